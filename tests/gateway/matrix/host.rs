//! A host in trouble of one kind: it stands in a provider's place, says nothing good, and counts what reaches it.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpStream as Blocking};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Stands in every body and header that a host in trouble sends; an answer or a log that holds it lets them through.
pub const CANARY: &str = "canary-text";

/// How long a body is that does not end in time, in bytes.
pub const FLOOD_BYTES: u64 = 200 << 20;

/// How often a dripping body drips; well within the time that the gateway waits for a byte.
const DRIP: Duration = Duration::from_millis(20);

const PIECE: usize = 16 << 10;

/// What is wrong with a host.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// Its port is closed.
    Closed,
    /// Nobody takes its connections.
    Deaf,
    /// It has no address.
    Nameless,
    /// Its certificate is one of its own.
    Untrusted,
    /// It resets each connection once the request is there.
    Resets,
    /// It says nothing.
    Silent,
    /// It sends half of the body and then nothing.
    Halts,
    /// It sends one byte after another, for ever.
    Drips,
    /// It closes the connection in the middle of the body.
    Breaks,
    /// It answers with more than anybody wants.
    Floods,
    /// The same, compressed.
    Bomb,
    /// It answers what a healthy host answers, under this media type.
    Called(&'static str),
    /// It sends whoever asks to another host.
    Redirects,
    /// It answers this.
    Says(Says),
}

/// One answer, always the same.
#[derive(Clone, Debug)]
pub struct Says {
    pub status: u16,
    pub media: &'static str,
    pub retry_after: Option<&'static str>,
    pub body: String,
}

/// A running host.
pub struct Host {
    /// Where it is.
    pub url: String,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
    /// Another host, to which a redirect leads.
    elsewhere: Option<Box<Host>>,
    tasks: Vec<JoinHandle<()>>,
    /// What a host that does not answer holds on to.
    _held: Vec<Box<dyn Send>>,
}

impl Host {
    /// Starts a host in this trouble; `healthy` is the one in whose place it stands.
    pub async fn start(trouble: &Trouble, healthy: &str) -> Self {
        match trouble {
            Trouble::Closed => Self::closed(),
            Trouble::Deaf => Self::deaf(),
            // A label of 64 letters is too long for any name server, so none is asked.
            Trouble::Nameless => Self::at(format!("https://{}.invalid", "a".repeat(64))),
            Trouble::Untrusted => Self::untrusted().await,
            Trouble::Resets => Self::resets().await,
            Trouble::Redirects => {
                let elsewhere = Box::pin(Self::start(&Trouble::Silent, healthy)).await;
                let mut host = Self::answers(Answers::Redirect(elsewhere.url.clone())).await;
                host.elsewhere = Some(Box::new(elsewhere));
                host
            }
            Trouble::Silent => Self::answers(Answers::Silence).await,
            Trouble::Halts => Self::answers(Answers::Half(Half::Halts)).await,
            Trouble::Breaks => Self::answers(Answers::Half(Half::Breaks)).await,
            Trouble::Drips => Self::answers(Answers::Drops).await,
            Trouble::Floods => Self::answers(Answers::Flood).await,
            Trouble::Bomb => Self::answers(Answers::Bomb(bomb())).await,
            Trouble::Called(media) => Self::answers(Answers::Called(media, healthy.to_owned())).await,
            Trouble::Says(says) => Self::answers(Answers::Fixed(says.clone())).await,
        }
    }

    /// How many requests reached it.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// How many connections reached it, if it counts them and not requests.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many bytes of an endless body were taken from it.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    /// How many requests reached the host to which it sends whoever asks.
    pub fn elsewhere(&self) -> usize {
        self.elsewhere.as_ref().map_or(0, |host| host.requests())
    }

    fn at(url: String) -> Self {
        let count = Arc::<AtomicUsize>::default;
        Self {
            url,
            requests: count(),
            connections: count(),
            sent: count(),
            elsewhere: None,
            tasks: Vec::new(),
            _held: Vec::new(),
        }
    }

    /// A port that is taken but not listened on stays closed for as long as the socket lives.
    fn closed() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(loopback()).unwrap();
        let mut host = Self::at(format!("http://{}", socket.local_addr().unwrap()));
        host._held.push(Box::new(socket));
        host
    }

    /// A queue of connections that is full, and from which none is taken.
    fn deaf() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(loopback()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut host = Self::at(format!("http://{address}"));
        host._held.extend((0..2).map(|_| Box::new(Blocking::connect(address).unwrap()) as Box<dyn Send>));
        host._held.push(Box::new(listener));
        host
    }

    async fn untrusted() -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::listens("https://localhost", move |socket, requests| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut socket) = acceptor.accept(socket).await else { return };
                // Whoever shakes hands with a host that it does not know may still send nothing.
                if matches!(socket.read(&mut [0; 64]).await, Ok(1..)) {
                    requests.fetch_add(1, Ordering::SeqCst);
                }
                let _ = socket.shutdown().await;
            }
        })
        .await
    }

    async fn resets() -> Self {
        Self::listens("http://127.0.0.1", |mut socket, requests| async move {
            if matches!(socket.read(&mut [0; 4_096]).await, Ok(1..)) {
                requests.fetch_add(1, Ordering::SeqCst);
            }
            let _ = socket.set_zero_linger();
        })
        .await
    }

    /// A host that meets each connection by hand.
    async fn listens<F: Future<Output = ()> + Send + 'static>(
        scheme: &str,
        meet: impl Fn(TcpStream, Arc<AtomicUsize>) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let mut host = Self::at(format!("{scheme}:{}", listener.local_addr().unwrap().port()));
        let (connections, requests) = (host.connections.clone(), host.requests.clone());
        host.tasks.push(tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                meet(socket, requests.clone()).await;
            }
        }));
        host
    }

    /// A host that speaks HTTP.
    async fn answers(answers: Answers) -> Self {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let mut host = Self::at(format!("http://{}", listener.local_addr().unwrap()));
        let (requests, sent) = (host.requests.clone(), host.sent.clone());
        let answers = Arc::new(answers);
        let routes = Router::new().fallback(move |request: Request| {
            requests.fetch_add(1, Ordering::SeqCst);
            let (answers, sent) = (answers.clone(), sent.clone());
            async move { answers.answer(&request.into_parts().0, sent).await }
        });
        host.tasks.push(tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }));
        host
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// How a host answers that speaks HTTP.
enum Answers {
    Silence,
    Half(Half),
    Drops,
    Flood,
    Bomb(Bytes),
    Called(&'static str, String),
    Redirect(String),
    Fixed(Says),
}

#[derive(Clone, Copy)]
enum Half {
    Halts,
    Breaks,
}

impl Answers {
    async fn answer(&self, request: &Parts, sent: Arc<AtomicUsize>) -> Response<Body> {
        let json = |body| respond(200, "application/json", body);
        match self {
            Answers::Silence => std::future::pending().await,
            Answers::Half(half) => {
                let first = stream::iter([Ok(Bytes::from(format!("{{\"{CANARY}\":")))]);
                let rest = match half {
                    Half::Halts => stream::pending().boxed(),
                    Half::Breaks => stream::iter([Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe))]).boxed(),
                };
                let mut answer = json(Body::from_stream(first.chain(rest)));
                answer.headers_mut().insert(header::CONTENT_LENGTH, 4_096.into());
                answer
            }
            Answers::Drops => json(Body::from_stream(drops())),
            Answers::Flood => json(Body::from_stream(flood(sent))),
            Answers::Bomb(bomb) => {
                let mut answer = json(bomb.clone().into());
                answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                answer
            }
            Answers::Called(media, healthy) => {
                let (status, body) = ask(healthy, request).await;
                respond(status, media, body.into())
            }
            Answers::Redirect(to) => {
                let target = format!("{to}{}", request.uri);
                let mut answer = respond(302, "text/html", CANARY.into());
                answer.headers_mut().insert(header::LOCATION, target.try_into().unwrap());
                answer
            }
            Answers::Fixed(says) => {
                let mut answer = respond(says.status, says.media, says.body.clone().into());
                if let Some(wait) = says.retry_after {
                    answer.headers_mut().insert(header::RETRY_AFTER, wait.try_into().unwrap());
                }
                answer
            }
        }
    }
}

fn respond(status: u16, media: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    let told: HeaderMap = [(header::CONTENT_TYPE, media), (header::SERVER, CANARY)]
        .map(|(name, value)| (name, value.try_into().unwrap()))
        .into_iter()
        .collect();
    *answer.headers_mut() = told;
    answer
}

/// What the healthy host answers to the same request.
async fn ask(healthy: &str, request: &Parts) -> (u16, Bytes) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let credential = request.headers[header::AUTHORIZATION].clone();
    let asked = client.get(format!("{healthy}{}", request.uri)).header(header::AUTHORIZATION, credential);
    let answer = asked.send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap())
}

fn drops() -> impl Stream<Item = Result<Bytes, Infallible>> {
    let clock = tokio::time::interval(DRIP);
    stream::unfold(clock, |mut clock| async {
        clock.tick().await;
        Some((Ok(Bytes::from_static(b" ")), clock))
    })
}

fn flood(sent: Arc<AtomicUsize>) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let piece = Bytes::from(CANARY.repeat(PIECE / CANARY.len()));
    let begin = stream::iter([Bytes::from_static(b"{\"padding\":\"")]);
    let pieces = FLOOD_BYTES / piece.len() as u64;
    let rest = stream::iter((0..pieces).map(move |_| {
        sent.fetch_add(piece.len(), Ordering::SeqCst);
        piece.clone()
    }));
    begin.chain(rest).map(Ok)
}

/// As many letters, in gzip: one letter, and then "258 times the one before" again and again, in 13 bits each. What stands
/// behind the data is left out, for nobody should get there.
fn bomb() -> Bytes {
    const AGAIN: &str = "1100010100000";
    let again = std::iter::repeat_n(AGAIN, FLOOD_BYTES as usize / 258).flat_map(str::bytes);
    // The last block, with the fixed codes; the letter `a`; and in the end that it ends.
    let bits = "110".bytes().chain("10010001".bytes()).chain(again).chain("0000000".bytes());
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for (place, bit) in bits.enumerate() {
        if place % 8 == 0 {
            bytes.push(0);
        }
        *bytes.last_mut().unwrap() |= (bit - b'0') << (place % 8);
    }
    bytes.into()
}
