//! The pages on their own, for whoever changes their look: `cargo run -p pages --example serve [PORT]`. They show a made-up
//! city; the recheck's script is not served here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "../tests/it/caps.rs"]
mod caps;
#[path = "../tests/it/city.rs"]
mod city;
#[path = "../tests/it/stage.rs"]
mod stage;

#[tokio::main]
async fn main() -> Result<(), std::io::Error> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8081".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, stage::pages(city::city()).await).await
}
