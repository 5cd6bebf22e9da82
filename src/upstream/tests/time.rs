//! What a read does with its time: until when it goes on.

use std::time::Duration;

use tokio::time::Instant;

use super::bench::{Act, Bench, NOW, Trouble};
use super::*;

const SECOND: Duration = Duration::from_secs(1);
const TIMED_OUT: Error = Error::TimedOut;

fn within(time: Duration) -> Budget {
    Budget::calls(150).until(Instant::now() + time)
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_nobody_could_profit_from_is_not_waited_for() {
    let bench = bench();
    let down = Trouble::Status(503, Some(SECOND * 2));
    bench.script.play([Act::Answer(NOW, 503, Some(SECOND * 2)), Act::Answer(SECOND, 502, None)]);
    let start = Instant::now();
    assert_eq!(bench.read("a", "one", &within(SECOND)).await.1, Err(down));
    assert_eq!((start.elapsed(), bench.script.calls()), (NOW, 1));
    // 250 ms have to be left for an answer.
    let (start, budget) = (Instant::now(), within(SECOND + Duration::from_millis(299)));
    assert_eq!(bench.read("a", "two", &budget).await.1, Err(Trouble::Status(502, None)));
    assert_eq!((start.elapsed(), bench.script.calls()), (SECOND, 2));
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_a_read_and_has_more_time_gets_what_a_later_attempt_brings() {
    let bench = bench();
    bench.script.play([Act::Answer(SECOND, 503, Some(SECOND)), Act::Answer(SECOND, 200, None)]);
    let (short, long) = (within(SECOND * 2), within(SECOND * 8));
    let (first, second) = tokio::join!(bench.read("a", "list", &short), bench.read("a", "list", &long));
    assert_eq!((first.1, says(&second)), (Err(Trouble::Wire(TIMED_OUT)), "a"));
    assert_eq!(bench.script.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_too_late_for_an_answer_is_not_used() {
    let bench = Bench::new(|settings, _| settings.concurrent_max = 1, 0);
    bench.script.play([Act::Answer(Duration::from_millis(1_800), 200, None)]);
    let budget = within(SECOND * 2);
    let start = Instant::now();
    let (first, second) = tokio::join!(bench.read("a", "one", &budget), bench.read("a", "two", &budget));
    assert_eq!((says(&first), second.1), ("a", Err(Trouble::Wire(TIMED_OUT))));
    assert_eq!((start.elapsed().as_millis(), bench.script.calls()), (1_800, 1));
    assert!(bench.is_at_rest());
}
