//! The `healthcheck` subcommand: an image without a shell has no curl.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// How long the site may take to answer.
const DEADLINE: Duration = Duration::from_secs(3);

/// Whether a site that listens there answers HTTP. (Linux reaches itself at the address of every interface.)
pub async fn healthcheck(listen: SocketAddr) -> bool {
    matches!(tokio::time::timeout(DEADLINE, ask(listen)).await, Ok(Ok(true)))
}

async fn ask(listen: SocketAddr) -> io::Result<bool> {
    let mut socket = TcpStream::connect(listen).await?;
    socket.write_all(b"GET /icon.svg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut status = [0; b"HTTP/1.1 ".len()];
    socket.read_exact(&mut status).await?;
    Ok(status == *b"HTTP/1.1 ")
}
