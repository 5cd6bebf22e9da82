//! HTTP by hand, byte by byte: for what no good client does.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// One connection.
pub struct Wire(pub TcpStream);

/// One answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Wire {
    pub async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Opens a connection from this address of this machine.
    pub async fn open_from(address: &str, gateway: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
        Self(socket.connect(gateway).await.unwrap())
    }

    pub async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The same where the other side may be gone: whether it was sent.
    pub async fn try_say(&mut self, text: &str) -> bool {
        self.0.write_all(text.as_bytes()).await.is_ok()
    }

    /// Whatever comes until the other side closes.
    pub async fn rest(mut self) -> String {
        let mut seen = Vec::new();
        let _ = self.0.read_to_end(&mut seen).await;
        String::from_utf8_lossy(&seen).into_owned()
    }

    /// One whole answer that says its length; `None` if the connection ends before it begins.
    pub async fn reply(&mut self) -> Option<Reply> {
        let mut seen = Vec::new();
        let end = loop {
            if let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.more(&mut seen).await?;
        };
        let head = String::from_utf8(seen[..end].to_vec()).unwrap().to_lowercase();
        let length: usize =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        while seen.len() < end + length {
            self.more(&mut seen).await?;
        }
        Some(Reply { status: head[9..12].parse().unwrap(), head, body: seen.split_off(end) })
    }

    async fn more(&mut self, seen: &mut Vec<u8>) -> Option<()> {
        let mut part = [0; 4096];
        match self.0.read(&mut part).await {
            Ok(0) | Err(_) => {
                assert!(seen.is_empty(), "the connection ends within an answer: {}", String::from_utf8_lossy(seen));
                None
            }
            Ok(count) => {
                seen.extend_from_slice(&part[..count]);
                Some(())
            }
        }
    }
}

/// A POST of this operation.
pub fn post(query: &str, headers: &str) -> String {
    let body = serde_json::json!({ "query": query }).to_string();
    let length = body.len();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         {headers}\r\n{body}"
    )
}
