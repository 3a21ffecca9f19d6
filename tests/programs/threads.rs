// SPDX-License-Identifier: Apache-2.0
// Rust's standard library without a network: threads, channels, locks, files, processes, panics.
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel, RecvTimeoutError};
use std::sync::{Arc, Barrier, Condvar, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

fn channels() {
    let (sender, receiver) = channel();
    let threads: Vec<_> = (0..8u64)
        .map(|i| {
            let sender = sender.clone();
            thread::spawn(move || (0..2000u64).for_each(|j| sender.send(i * j).unwrap()))
        })
        .collect();
    drop(sender);
    let sum: u64 = receiver.iter().sum();
    threads.into_iter().for_each(|t| t.join().unwrap());
    let (there, requests) = sync_channel::<u32>(0);
    let (back, answers) = sync_channel::<u32>(0);
    let echo = thread::spawn(move || requests.iter().for_each(|n| back.send(n + 1).unwrap()));
    let mut n = 0;
    while n < 2000 {
        there.send(n).unwrap();
        n = answers.recv().unwrap();
    }
    println!("channels {} {} {:?}", sum, n, answers.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout));
    drop(there);
    echo.join().unwrap();
}

fn locks() {
    let map = Arc::new(RwLock::new(HashMap::new()));
    let turn = Arc::new((Mutex::new(0usize), Condvar::new()));
    let barrier = Arc::new(Barrier::new(4));
    let leaders = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4usize)
        .map(|i| {
            let (map, turn, barrier, leaders) = (map.clone(), turn.clone(), barrier.clone(), leaders.clone());
            thread::spawn(move || {
                for j in 0..300 {
                    *map.write().unwrap().entry(j % 10).or_insert(0) += 1;
                    let (lock, changed) = &*turn;
                    let mut now = lock.lock().unwrap();
                    while *now % 4 != i {
                        now = changed.wait(now).unwrap();
                    }
                    *now += 1;
                    changed.notify_all();
                    drop(now);
                    if barrier.wait().is_leader() {
                        leaders.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    let sum: i32 = map.read().unwrap().values().sum();
    println!("locks {} {} {}", sum, *turn.0.lock().unwrap(), leaders.load(Ordering::Relaxed));
    let poisoned = Arc::new(Mutex::new(1));
    let inner = poisoned.clone();
    let result = thread::spawn(move || {
        let _guard = inner.lock().unwrap();
        panic!("on purpose");
    })
    .join();
    println!("panic {} {}", result.is_err(), poisoned.is_poisoned());
    let begin = Instant::now();
    thread::park_timeout(Duration::from_millis(20));
    println!("parked {}", begin.elapsed() >= Duration::from_millis(20));
}

fn files() -> std::io::Result<()> {
    fs::create_dir_all("/srv/rust/a/b")?;
    let mut file = fs::OpenOptions::new().read(true).write(true).create(true).open("/srv/rust/a/b/file")?;
    for i in 0..1000 {
        writeln!(file, "line {}", i)?;
    }
    file.seek(SeekFrom::Start(0))?;
    println!("lines {}", BufReader::new(&file).lines().count());
    file.set_len(100)?;
    println!("copied {}", fs::copy("/srv/rust/a/b/file", "/srv/rust/copy")?);
    fs::hard_link("/srv/rust/copy", "/srv/rust/link")?;
    fs::rename("/srv/rust/link", "/srv/rust/renamed")?;
    std::os::unix::fs::symlink("copy", "/srv/rust/symbolic")?;
    println!("{:?} {:?}", fs::read_link("/srv/rust/symbolic")?, fs::canonicalize("/srv/rust/symbolic")?);
    let mut names: Vec<_> = fs::read_dir("/srv/rust")?.map(|e| e.unwrap().file_name()).collect();
    names.sort();
    println!("{:?} {:?}", names, fs::File::open("/srv/rust/none").err().map(|e| e.kind()));
    fs::remove_dir_all("/srv/rust")?;
    let listener = UnixListener::bind("/tmp/rust.socket")?;
    let server = thread::spawn(move || {
        for stream in listener.incoming().take(3) {
            let mut text = String::new();
            let mut stream = stream.unwrap();
            stream.read_to_string(&mut text).unwrap();
            stream.write_all(text.to_uppercase().as_bytes()).unwrap();
        }
    });
    for word in ["one", "two", "three"] {
        let mut stream = UnixStream::connect("/tmp/rust.socket")?;
        stream.write_all(word.as_bytes())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        println!("{}", answer);
    }
    server.join().unwrap();
    Ok(())
}

fn processes() -> std::io::Result<()> {
    println!("{:?}", Command::new("sh").arg("-c").arg("echo out; echo err >&2; exit 3").output()?);
    let mut sort = Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    sort.stdin.take().unwrap().write_all(b"c\na\nb\n")?;
    println!("{:?}", String::from_utf8_lossy(&sort.wait_with_output()?.stdout));
    let mut sleeper = Command::new("sleep").arg("100").spawn()?;
    println!("{:?}", sleeper.try_wait()?);
    sleeper.kill()?;
    println!("{:?}", sleeper.wait()?.signal());
    println!("{:?}", Command::new("/nowhere").spawn().err().map(|e| e.kind()));
    let running: Vec<_> = (0..20).map(|i| Command::new("sh").arg("-c").arg(format!("exit {}", i)).spawn().unwrap()).collect();
    println!("{}", running.into_iter().map(|mut c| c.wait().unwrap().code().unwrap()).sum::<i32>());
    Ok(())
}

fn main() {
    channels();
    locks();
    files().unwrap();
    processes().unwrap();
    if std::env::args().count() > 1 {
        let empty: Vec<u32> = Vec::new();
        println!("{}", empty[std::env::args().count()]);
    }
}
