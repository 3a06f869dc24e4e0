use std::path::Path;

use axum::routing::get;
use futures::stream;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;

use super::*;

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// A server on a free port, how to end it, and when it has ended.
async fn start(router: Router, options: ServeOptions) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
    (addr, shutdown.clone(), tokio::spawn(serve(listener, router, options, shutdown)))
}

async fn ask(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) -> String {
    stream.write_all(ASK).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, goes_on) = (Arc::clone(&begun), Arc::clone(&go_on));
    let handler = move || async move {
        begins.notify_one();
        goes_on.notified().await;
        "done"
    };
    let (addr, shutdown, ended) = start(Router::new().route("/", get(handler)), ServeOptions::default()).await;
    let asking = tokio::spawn(async move { ask(TcpStream::connect(addr).await.unwrap()).await });
    begun.notified().await;
    shutdown.cancel();
    go_on.notify_one();
    assert!(asking.await.unwrap().ends_with("done"));
    ended.await.unwrap();
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_connection_too_many_waits_for_one_that_ends() {
    let router = Router::new().route("/", get(|| async { "done" }));
    let (addr, _, _) = start(router, ServeOptions { max_connections: 1, ..ServeOptions::default() }).await;
    let first = TcpStream::connect(addr).await.unwrap();
    let second = tokio::spawn(async move { ask(TcpStream::connect(addr).await.unwrap()).await });
    assert!(ask(first).await.ends_with("done"));
    assert!(second.await.unwrap().ends_with("done"));
}

/// Whatever makes the answer (a model's stream, with its place at the provider) goes with it.
#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_is_given_up() {
    let (made, begun) = (Arc::new(()), Arc::new(Notify::new()));
    let (making, begins) = (Arc::clone(&made), Arc::clone(&begun));
    let endless = move || async move {
        begins.notify_one();
        let piece = stream::repeat_with(move || {
            let _making = &making;
            Ok::<_, Infallible>("piece")
        });
        Body::from_stream(piece)
    };
    let slot = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
    let (graceful, addr) = (GracefulShutdown::new(), SocketAddr::from(([127, 0, 0, 1], 1)));
    let router = Router::new().route("/", get(endless));
    let connection = Connection { router, addr, watcher: graceful.watcher(), _slot: slot };
    let (mut client, server) = duplex(1024);
    client.write_all(ASK).await.unwrap();
    timeout(UNREAD * 2, connection.serve(server, false)).await.unwrap();
    begun.notified().await;
    assert_eq!(Arc::strong_count(&made), 1, "what makes the answer is gone");
}

#[tokio::test]
async fn tls_is_spoken_and_a_changed_certificate_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    put("first", &cert, &key);
    let tls = Tls::load(&cert, &key).unwrap();
    let options = ServeOptions { tls: Some(tls.clone()), ..ServeOptions::default() };
    let (addr, _, _) = start(Router::new().route("/", get(|| async { "done" })), options).await;
    assert!(ask(connect(addr, "first").await.unwrap()).await.ends_with("done"));
    assert!(connect(addr, "second").await.is_err());

    put("second", &cert, &key);
    tls.reload();
    assert!(ask(connect(addr, "second").await.unwrap()).await.ends_with("done"));
    assert!(connect(addr, "first").await.is_err());

    std::fs::write(&cert, "garbage").unwrap();
    tls.reload();
    assert!(connect(addr, "second").await.is_ok(), "what cannot be used changes nothing");
}

#[test]
fn files_that_cannot_be_used_are_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    assert!(matches!(Tls::load(&cert, &key), Err(TlsError::Read { .. })));
    put("first", &cert, &key);
    std::fs::write(&cert, "").unwrap();
    assert!(matches!(Tls::load(&cert, &key), Err(TlsError::Empty { path }) if path == cert));
    std::fs::copy(pem("second", "cert"), &cert).unwrap();
    assert!(matches!(Tls::load(&cert, &key), Err(TlsError::Use(_))), "another key's certificate");
}

fn pem(name: &str, what: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/serve/testdata/{name}.{what}.pem"))
}

fn put(name: &str, cert: &Path, key: &Path) {
    std::fs::copy(pem(name, "cert"), cert).unwrap();
    std::fs::copy(pem(name, "key"), key).unwrap();
}

/// Connects as a client that trusts this certificate alone.
async fn connect(addr: SocketAddr, trusted: &str) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pem(trusted, "cert")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(addr).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}
