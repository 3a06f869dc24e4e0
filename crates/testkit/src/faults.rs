//! A TCP proxy that does to connections what networks do: delay, cut, half-close, reset, stall.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to every connection from now on, those that stand included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Bytes pass.
    None,
    /// Each piece is held back for so long.
    Delay(Duration),
    /// Connections stay open, nothing passes any more.
    Stall,
    /// Connections are closed, new ones are closed at once.
    Cut,
    /// The answer ends after so many bytes, in an orderly way.
    HalfClose { after_bytes: usize },
    /// The answer ends after so many bytes, with a reset.
    Reset { after_bytes: usize },
}

/// A proxy in front of `target`. Ends when dropped.
pub struct FaultProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    connections: Arc<Mutex<usize>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl FaultProxy {
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (fault, watching) = watch::channel(Fault::None);
        let connections = Arc::new(Mutex::new(0));
        let accepting = tokio::spawn(accept(listener, target, watching, connections.clone()));
        Self { address, fault, connections, accepting }
    }

    /// Where to connect to instead of the target.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// How many connections have been accepted.
    pub fn connections(&self) -> usize {
        *self.connections.lock()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    fault: watch::Receiver<Fault>,
    connections: Arc<Mutex<usize>>,
) {
    while let Ok((client, _)) = listener.accept().await {
        *connections.lock() += 1;
        let fault = fault.clone();
        tokio::spawn(async move {
            if *fault.borrow() == Fault::Cut {
                return;
            }
            let Ok(server) = TcpStream::connect(target).await else { return };
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let mut up = tokio::spawn(pump(from_client, to_server, fault.clone(), false));
            let mut down = tokio::spawn(pump(from_server, to_client, fault, true));
            // A fault ends both ways at once; an orderly end of one way leaves the other open.
            tokio::select! {
                ended = &mut up => if ended.unwrap_or(End::Fault) == End::Fault { down.abort() } else { down.await.ok(); },
                ended = &mut down => if ended.unwrap_or(End::Fault) == End::Fault { up.abort() } else { up.await.ok(); },
            }
        });
    }
}

#[derive(PartialEq, Eq)]
enum End {
    Orderly,
    Fault,
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut fault: watch::Receiver<Fault>, answer: bool) -> End {
    let mut passed = 0_usize;
    let mut buffer = vec![0; 16 << 10];
    loop {
        let now = *fault.borrow_and_update();
        match now {
            Fault::Cut => return End::Fault,
            Fault::Stall => {
                if fault.changed().await.is_err() {
                    return End::Fault;
                }
                continue;
            }
            _ => {}
        }
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            changed = fault.changed() => if changed.is_ok() { continue } else { return End::Fault },
        };
        let Ok(length @ 1..) = read else {
            to.shutdown().await.ok();
            return End::Orderly;
        };
        let now = *fault.borrow();
        let allowed = match now {
            Fault::HalfClose { after_bytes } | Fault::Reset { after_bytes } if answer => {
                after_bytes.saturating_sub(passed)
            }
            Fault::Delay(by) => {
                tokio::time::sleep(by).await;
                length
            }
            _ => length,
        };
        if to.write_all(&buffer[..length.min(allowed)]).await.is_err() {
            return End::Fault;
        }
        passed += length;
        if allowed < length {
            if matches!(now, Fault::Reset { .. }) {
                to.as_ref().set_zero_linger().ok();
                // Dropped, this half would end the stream in the orderly way.
                to.forget();
            } else {
                to.shutdown().await.ok();
            }
            return End::Fault;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await.ok();
                });
            }
        });
        address
    }

    async fn say(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
        stream.write_all(text).await?;
        let mut answer = vec![0; text.len()];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn bytes_pass_until_a_fault_is_set_and_again_after_it_is_lifted() {
        let proxy = FaultProxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"hello").await.unwrap(), b"hello");
        proxy.set(Fault::Cut);
        assert!(say(&mut stream, b"hello").await.is_err(), "standing connections are cut");
        proxy.set(Fault::None);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"again").await.unwrap(), b"again");
        assert_eq!(proxy.connections(), 2);
    }

    #[tokio::test]
    async fn an_answer_ends_after_so_many_bytes() {
        for (fault, orderly) in [(Fault::HalfClose { after_bytes: 3 }, true), (Fault::Reset { after_bytes: 3 }, false)]
        {
            let proxy = FaultProxy::start(echo().await).await;
            proxy.set(fault);
            let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
            stream.write_all(b"abcdef").await.unwrap();
            let mut answer = Vec::new();
            let read = stream.read_to_end(&mut answer).await;
            assert_eq!(read.is_ok(), orderly, "{fault:?}");
            assert!(answer.len() <= 3, "{fault:?}");
        }
    }
}
