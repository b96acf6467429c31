//! Many things at once, but never more than so many.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;

/// Something to do.
pub type Job<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Does all of them, no more than `limit` at a time. What came of them, in their order.
pub async fn at_most<T>(limit: usize, jobs: Vec<Job<'_, T>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = Vec::new();
    done.resize_with(jobs.len(), || None);
    let mut waiting: VecDeque<(usize, Job<'_, T>)> = jobs.into_iter().enumerate().collect();
    let mut active: Vec<(usize, Job<'_, T>)> = Vec::new();
    std::future::poll_fn(|context| {
        loop {
            while active.len() < limit.max(1) {
                let Some(next) = waiting.pop_front() else { break };
                active.push(next);
            }
            let before = active.len();
            active.retain_mut(|(at, job)| match job.as_mut().poll(context) {
                Poll::Pending => true,
                Poll::Ready(result) => {
                    done[*at] = Some(result);
                    false
                }
            });
            if active.is_empty() && waiting.is_empty() {
                return Poll::Ready(());
            }
            // Somebody made room: whoever comes next has not been polled yet.
            if active.len() == before || waiting.is_empty() {
                return Poll::Pending;
            }
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{Job, at_most};

    #[tokio::test]
    async fn never_more_than_so_many_and_in_order() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let job = |number: usize| {
            let (now, most) = (&now, &most);
            Box::pin(async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..number % 4 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                number
            }) as Job<'_, usize>
        };
        assert_eq!(at_most(3, (0..20).map(job).collect()).await, (0..20).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), 3);
        assert!(at_most(3, Vec::<Job<'_, u8>>::new()).await.is_empty());
    }
}
