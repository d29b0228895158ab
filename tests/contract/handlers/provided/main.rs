// A runtime of its own, by the standard library alone.
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn exchange(api: &mut BufReader<TcpStream>, request: &str) -> (String, String) {
    api.get_mut().write_all(request.as_bytes()).unwrap();
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        api.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "lambda-runtime-aws-request-id" => id = value.trim().to_string(),
                "content-length" => length = value.trim().parse().unwrap(),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    api.read_exact(&mut body).unwrap();
    (id, String::from_utf8(body).unwrap())
}

fn main() {
    let address = env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut api = BufReader::new(TcpStream::connect(&address).unwrap());
    let root = "/2018-06-01/runtime/invocation";
    loop {
        let next = format!("GET {root}/next HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let (id, event) = exchange(&mut api, &next);
        let body = format!("{{\"language\":\"rust\",\"event\":{event}}}");
        let length = body.len();
        let post = format!(
            "POST {root}/{id}/response HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        exchange(&mut api, &post);
    }
}
