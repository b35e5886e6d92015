fn main() {
    let (i, n, text) = (1, 2, "text");
    livinglock::checkpoint!(done = i);
    livinglock::checkpoint!(done = i, "order {i}");
    livinglock::checkpoint!(total = n, done = i);
    livinglock::checkpoint!(done = i, totl = n);
    livinglock::checkpoint!(user = i);
    livinglock::checkpoint!(done, total);
    livinglock::checkpoint!(text);
    livinglock::checkpoint!(&text);
    livinglock::checkpoint!("order {}" i);
    livinglock::checkpoint!(done = i, total = n, text);
    livinglock::checkpoint!(done = i, done = n);
    let _ = livinglock::try_checkpoint!(done = i);
}
