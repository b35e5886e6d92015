/// A comment is no runtime.
#[livinglock::batch(path = "/run/job.lock")]
#[expect(clippy::unused_async)]
async fn main() -> Result<(), String> {
    std::future::ready(Ok(())).await
}
