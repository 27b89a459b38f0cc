//! Serves predictions over HTTP.

mod api;
mod station;
mod tide;

#[tokio::main]
async fn main() {
    let stations = std::fs::read_to_string("stations.toml").expect("stations.toml is readable");
    let stations: api::Stations = toml::from_str(&stations).expect("stations.toml is valid");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:7070").await.expect("the port is free");
    axum::serve(listener, api::routes(stations)).await.expect("serves");
}
