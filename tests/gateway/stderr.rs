//! Nobody reads the log: a stderr that is full, closed or out of space stops no request and no signal.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write, pipe};
use std::process::Stdio;

use reqwest::Client;
use serde_json::{Value, json};

use crate::harness::{Asker, until};
use crate::lifecycle::{Process, commongraph};

/// More requests than the queue of a blocked writer needs to be noticed, by a log line and an audit line each.
const REQUESTS: usize = 20;

/// A sandbox whose stderr is given by the test.
struct Subject {
    process: Process,
    base: String,
    client: Client,
}

impl Subject {
    fn start(stderr: impl Into<Stdio>) -> Self {
        let mut command = commongraph();
        command.args(["sandbox", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(stderr);
        let mut process = Process(command.spawn().unwrap());
        let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.trim().strip_prefix("graph ")?.trim().to_owned())).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let client = Client::builder().no_proxy().build().unwrap();
        Self { process, base: url.trim_end_matches("/graphql").to_owned(), client }
    }

    async fn get(&self, path: &str, asker: &Asker) -> String {
        let request = self.client.get(format!("{}{path}", self.base));
        let request = asker.0.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.text().await.unwrap()
    }

    /// Reads personal data, which writes a line to the log and one to the audit log.
    async fn ask(&self) {
        let request =
            self.client.post(format!("{}/graphql", self.base)).header("X-WordPress-Token", "sandbox-wpcom-ada");
        let body = json!({ "query": "{ viewer { wordpressUser { email } } }" });
        let answer: Value = request.json(&body).send().await.unwrap().json().await.unwrap();
        assert!(answer["data"]["viewer"]["wordpressUser"]["email"].is_string(), "{answer}");
    }

    /// How many lines were dropped, of the log and of the audit log.
    async fn dropped(&self) -> [u64; 2] {
        let text = self.get("/metrics", &Asker::service("shop")).await;
        ["log", "audit"].map(|log| {
            let series = format!("commongraph_{log}_lines_dropped_total ");
            text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
        })
    }

    async fn is_served(&self) {
        for _ in 0..REQUESTS {
            self.ask().await;
            self.get("/health/live", &Asker::nobody()).await;
        }
    }

    /// One SIGTERM ends it as usual.
    async fn ends(self) {
        self.process.signal("TERM");
        assert_eq!(self.process.ended().await, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_pipe_blocks_nobody() {
    let (reader, mut writer) = pipe().unwrap();
    let stderr = writer.try_clone().unwrap();
    // The pipe is as full as it gets from here on, whatever its size is. The thread ends with the pipe.
    let filler = std::thread::spawn(move || while writer.write_all(&[b'x'; 4_096]).is_ok() {});
    let subject = Subject::start(stderr);
    subject.is_served().await;
    subject.ends().await;
    drop(reader);
    filler.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_to_a_closed_pipe_are_counted() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let subject = Subject::start(writer);
    subject.is_served().await;
    until("the lines are counted", async || subject.dropped().await.iter().all(|count| *count > 0)).await;
    subject.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg(target_os = "linux")]
async fn lines_to_a_full_disk_are_counted() {
    let subject = Subject::start(OpenOptions::new().write(true).open("/dev/full").unwrap());
    subject.is_served().await;
    until("the lines are counted", async || subject.dropped().await.iter().all(|count| *count > 0)).await;
    subject.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_message_that_nobody_reads_does_not_keep_the_process() {
    let (reader, mut writer) = pipe().unwrap();
    let stderr = writer.try_clone().unwrap();
    let filler = std::thread::spawn(move || while writer.write_all(&[b'x'; 4_096]).is_ok() {});
    let refused = Process(commongraph().args(["serve", "--listen", "127.0.0.1:0"]).stderr(stderr).spawn().unwrap());
    assert_eq!(refused.ended().await, Some(2));
    drop(reader);
    filler.join().unwrap();
}
