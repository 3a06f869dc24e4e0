//! As much of HTTP/1.1 as a benchmark needs: keep-alive and `Content-Length`, nothing chunked. What a general client or
//! server costs beyond it would be taken from the two cores that the measured side works on.

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const LONGEST_HEAD: usize = 16 << 10;

/// One end of a kept-alive connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where the message that was read last ends.
    consumed: usize,
}

/// A message as it was read: its first line and its body.
pub(crate) struct Message<'a> {
    pub(crate) first_line: &'a str,
    pub(crate) body: &'a [u8],
}

impl Message<'_> {
    /// Of an answer.
    pub(crate) fn status(&self) -> u16 {
        self.first_line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// Of a request.
    pub(crate) fn path(&self) -> &str {
        self.first_line.split(' ').nth(1).unwrap_or_default()
    }
}

impl Wire {
    pub(crate) async fn connect(port: u16) -> Result<Self> {
        Self::over(TcpStream::connect(("127.0.0.1", port)).await?)
    }

    pub(crate) fn over(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(8 << 10), consumed: 0 })
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// The next message; `None` where the other side has closed.
    pub(crate) async fn read(&mut self) -> Result<Option<Message<'_>>> {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        let head = loop {
            match find(&self.buffer, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None if self.buffer.len() > LONGEST_HEAD => bail!("a head without end"),
                None if self.stream.read_buf(&mut self.buffer).await? == 0 => return Ok(None),
                None => {}
            }
        };
        let text = std::str::from_utf8(&self.buffer[..head]).context("a head that is no text")?;
        let end = head + content_length(text)?;
        if text.lines().any(|line| line.eq_ignore_ascii_case("expect: 100-continue")) && self.buffer.len() < end {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        while self.buffer.len() < end {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the connection broke within a body");
            }
        }
        self.consumed = end;
        let first_line = std::str::from_utf8(&self.buffer[..head])?.lines().next().unwrap_or_default();
        Ok(Some(Message { first_line, body: &self.buffer[head..end] }))
    }

    /// Asks and waits for the answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Message<'_>> {
        self.write(request).await?;
        self.read().await?.context("the server closed the connection")
    }
}

/// A request with a JSON body.
pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    request.into_bytes()
}

/// An answer with status 200.
pub(crate) fn answer(content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn content_length(head: &str) -> Result<usize> {
    for line in head.lines().skip(1) {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            return Ok(value.trim().parse()?);
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("a chunked message, which the benchmark does not read: {}", head.lines().next().unwrap_or_default());
        }
    }
    Ok(0)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
