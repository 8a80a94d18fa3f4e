//! Rule 2: strangers neither kill nor delay anybody.

use std::net::SocketAddr;

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::site::{Ports, all_formed, hello, within};
use crate::mesh::{
    MESSAGE_BYTES_MAX, STRANGERS_MAX,
    channel::{Channel, Fault, Wire},
};

async fn garbage(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be shown out before it has said everything.
    let _ = stream.write_all(bytes).await;
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_2_neither_silence_nor_noise_keeps_the_processes_apart() {
    let ports = Ports::take(3);
    let mut strangers = Vec::new();
    let noises: [&[u8]; 6] =
        [b"", b"GET / HTTP/1.1\r\n\r\n", &[0; 8], &[0xff; 4096], b"delaycast mesh 1\n", b"\x16\x03\x01\x02\x00\x01"];
    let leader = ports.start(0);
    for round in 0..2 * STRANGERS_MAX / noises.len() {
        for noise in noises {
            strangers.push(garbage(ports.address(round % 3), noise).await);
        }
    }
    let others = [ports.start(1), ports.start(2)];
    for noise in noises {
        strangers.push(garbage(ports.address(1), noise).await);
    }
    let processes = [leader].into_iter().chain(others).collect();
    assert_eq!(all_formed(processes).await.len(), 3);
    assert!(strangers.len() > STRANGERS_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_2_a_long_message_is_refused_unread() {
    let ports = Ports::take(2);
    let leader = ports.start(0);
    let channel = ports.dial(0).await;
    let address = channel.address();
    let mut wire = channel.into_wire();
    wire.write(&(MESSAGE_BYTES_MAX as u32 + 1).to_be_bytes()).await.unwrap();
    let ended = within(wire.read(&mut [0; 1])).await;
    assert!(ended.is_err(), "the connection ends");
    drop(Channel::new(wire, None, address));
    all_formed(vec![leader, ports.start(1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_2_a_message_that_was_changed_on_its_way_is_refused() {
    let ports = Ports::take(2);
    let _leader = ports.start(0);
    let channel = ports.dial(0).await;
    let address = channel.address();
    // The same bytes without the code behind them.
    let Wire::Plain(stream) = channel.into_wire() else { panic!("a secret encrypts nothing") };
    let mut unsealed = Channel::new(Wire::Plain(stream), None, address);
    unsealed.send(&hello(1, 1, 2)).await.unwrap();
    unsealed.send(&hello(1, 1, 2)).await.unwrap();
    let ended = within(unsealed.receive()).await;
    assert!(matches!(ended, Err(Fault::Io(_) | Fault::Malformed(_) | Fault::TooLong(_))), "{ended:?}");
}
