//! Looking at many things, several at once: fifty hosts must not take fifty times as long as one, and must not be asked all
//! in the same moment either.

use std::pin::Pin;

use futures_util::stream::{self, StreamExt};

/// Something to do.
pub type Job<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The maximum number that are looked at at the same time.
pub const MAX_CONCURRENT: usize = 8;

/// Looks at each, [`MAX_CONCURRENT`] at a time, and returns what was found in the order of the things.
pub async fn several_at_once<Thing, Looking: Future>(
    things: impl IntoIterator<Item = Thing>,
    look: impl Fn(Thing) -> Looking,
) -> Vec<Looking::Output> {
    // All made before the first is polled: the stream then holds no closure, whose lifetimes the compiler cannot follow.
    let looking: Vec<Looking> = things.into_iter().map(look).collect();
    at_most(MAX_CONCURRENT, looking).await
}

/// Does all of them, at most `limit` at a time (at least one), and returns their results in their order.
pub async fn at_most<Doing: Future>(limit: usize, jobs: Vec<Doing>) -> Vec<Doing::Output> {
    stream::iter(jobs).buffered(limit.max(1)).collect().await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn several_and_no_more_are_looked_at_and_their_order_is_kept() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let found = several_at_once(0..50_usize, |number| {
            let (now, most) = (&now, &most);
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // The later ones are faster.
                for _ in number..60 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                number
            }
        })
        .await;
        assert_eq!(found, Vec::from_iter(0..50));
        assert_eq!(most.load(Ordering::SeqCst), MAX_CONCURRENT);
    }
}
