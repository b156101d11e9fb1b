use std::path::Path;

use osier_http::BodySource;
use tokio::sync::mpsc;

use super::*;

/// Pieces as a test gives them out, with a word from the source each time it is asked.
struct Source {
    pieces: VecDeque<Result<Bytes, SourceFailed>>,
    asked: mpsc::UnboundedSender<usize>,
}

impl BodySource for Source {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        let _ = self.asked.send(self.pieces.len());
        tokio::task::yield_now().await;
        let next = self.pieces.pop_front().transpose()?;
        Ok(next.map(Chunk::from))
    }
}

const PIECE: usize = 100_000;

fn piece(number: usize) -> Bytes {
    let byte = u8::try_from(number % 251).unwrap();
    Bytes::from(vec![byte; PIECE])
}

struct Answer {
    body: Box<dyn Stream>,
    asked: mpsc::UnboundedReceiver<usize>,
    drawing: Drawing,
}

fn space(directory: &Path, bytes_max: u64) -> Arc<SpillSpace> {
    on_disk(directory, bytes_max, |_| Ok(1 << 40))
}

fn on_disk(directory: &Path, bytes_max: u64, free: FreeBytes) -> Arc<SpillSpace> {
    let directory = directory.to_owned();
    let settings = SpillSettings {
        directory,
        bytes_max,
    };
    Arc::new(SpillSpace::new(settings, free))
}

fn spilling(space: &Arc<SpillSpace>, bytes_max: u64, grace: Duration) -> Spilling {
    Spilling {
        space: Arc::clone(space),
        bytes_max,
        patience: Patience {
            grace,
            bytes_per_s: u64::MAX,
        },
    }
}

impl Answer {
    fn new(spilling: Spilling, pieces: VecDeque<Result<Bytes, SourceFailed>>) -> Self {
        let (tell, asked) = mpsc::unbounded_channel();
        let length = pieces.iter().flatten().map(Bytes::len).sum::<usize>() as u64;
        let source = Source {
            pieces,
            asked: tell,
        };
        let drawing = Drawing::new(true);
        let body = OutgoingBody::stream(Some(length), source);
        let OutgoingBody::Stream { source: body, .. } = spilling.over(body, drawing.clone()) else {
            panic!("no stream");
        };
        Self {
            body,
            asked,
            drawing,
        }
    }

    fn of_pieces(spilling: Spilling, count: usize) -> Self {
        Self::new(
            spilling,
            (0..count).map(|number| Ok(piece(number))).collect(),
        )
    }

    async fn take(&mut self) -> Result<Option<Bytes>, SourceFailed> {
        match std::future::poll_fn(|cx| self.body.poll(cx)).await? {
            Some(Chunk::Memory(bytes)) => Ok(Some(bytes)),
            Some(Chunk::File(_)) => panic!("a file"),
            None => Ok(None),
        }
    }

    async fn rest(&mut self) -> Result<Vec<u8>, SourceFailed> {
        let mut all = Vec::new();
        while let Some(bytes) = self.take().await? {
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }

    /// Until the source has given out all but `left` pieces.
    async fn read_down_to(&mut self, left: usize) {
        while self.asked.recv().await.unwrap() > left {}
    }
}

fn all(count: usize) -> Vec<u8> {
    (0..count).flat_map(piece).collect()
}

const GIB: u64 = 1 << 30;

#[tokio::test]
async fn a_client_that_keeps_up_meets_no_disk() {
    let directory = tempfile::tempdir().unwrap();
    let space = space(directory.path(), GIB);
    let spilling = spilling(&space, GIB, Duration::from_hours(1));
    let mut answer = Answer::of_pieces(spilling, 50);
    assert!(answer.rest().await.unwrap() == all(50));
    assert_eq!(space.numbers(), SpillNumbers::default());
}

#[tokio::test]
async fn the_origin_is_read_to_its_end_while_the_client_waits() {
    let directory = tempfile::tempdir().unwrap();
    let space = space(&directory.path().join("made/when/needed"), GIB);
    let mut answer = Answer::of_pieces(spilling(&space, GIB, Duration::ZERO), 50);
    let first = answer.take().await.unwrap().unwrap();
    answer.read_down_to(0).await;
    let numbers = space.numbers();
    assert_eq!(numbers.answers, 1);
    let on_disk = usize::try_from(numbers.bytes).unwrap();
    assert!(on_disk > 45 * PIECE, "{on_disk} bytes are on disk");
    let rest = answer.rest().await.unwrap();
    assert!([first.to_vec(), rest].concat() == all(50));
    assert_eq!(space.numbers().bytes, 0, "what was read is given back");
}

#[tokio::test]
async fn what_may_not_be_written_waits_at_the_origin() {
    let directory = tempfile::tempdir().unwrap();
    let space = space(directory.path(), GIB);
    let mut answer = Answer::of_pieces(spilling(&space, 1_000_000, Duration::ZERO), 50);
    answer.take().await.unwrap();
    // One with the client, ten in the file, two in the hand.
    answer.read_down_to(50 - 13 + 1).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(space.numbers().bytes <= 1_000_000);
    assert!(answer.asked.is_empty(), "the pump stands still");
    let rest = answer.rest().await.unwrap();
    assert!(rest == all(50).split_off(PIECE));
}

#[tokio::test]
async fn all_answers_share_one_bound() {
    let directory = tempfile::tempdir().unwrap();
    let space = space(directory.path(), 2_000_000);
    let mut answers: Vec<Answer> = (0..4)
        .map(|_| Answer::of_pieces(spilling(&space, GIB, Duration::ZERO), 20))
        .collect();
    for answer in &mut answers {
        answer.take().await.unwrap();
    }
    // Nobody takes more until nothing more fits.
    while space.numbers().bytes < 2_000_000 {
        tokio::task::yield_now().await;
    }
    for answer in &mut answers {
        assert!(space.numbers().bytes <= 2_000_000);
        assert!(answer.rest().await.unwrap() == all(20).split_off(PIECE));
    }
    drop(answers);
    assert_eq!(space.numbers().bytes, 0);
}

#[tokio::test]
async fn a_disk_that_fails_cuts_no_answer() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, b"no directory").unwrap();
    let space = space(&file, GIB);
    let mut answer = Answer::of_pieces(spilling(&space, GIB, Duration::ZERO), 50);
    answer.take().await.unwrap();
    while space.numbers().failures == 0 {
        tokio::task::yield_now().await;
    }
    assert!(answer.rest().await.unwrap() == all(50).split_off(PIECE));
    assert_eq!(
        space.numbers(),
        SpillNumbers {
            failures: 1,
            ..SpillNumbers::default()
        }
    );
}

#[tokio::test]
async fn a_disk_keeps_room_for_others() {
    let directory = tempfile::tempdir().unwrap();
    let space = on_disk(directory.path(), GIB, |_| Ok(512 << 20));
    let mut answer = Answer::of_pieces(spilling(&space, GIB, Duration::ZERO), 50);
    answer.take().await.unwrap();
    while space.numbers().failures == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(space.numbers().bytes, 0);
    assert!(answer.rest().await.unwrap() == all(50).split_off(PIECE));
}

#[tokio::test]
async fn an_origin_that_breaks_off_does_so_behind_what_it_sent() {
    let directory = tempfile::tempdir().unwrap();
    let space = space(directory.path(), GIB);
    let mut pieces: VecDeque<_> = (0..20).map(|number| Ok(piece(number))).collect();
    pieces.push_back(Err(SourceFailed));
    let mut answer = Answer::new(spilling(&space, GIB, Duration::ZERO), pieces);
    answer.take().await.unwrap();
    answer.read_down_to(1).await;
    let mut got = 1;
    let ended = loop {
        match answer.take().await {
            Ok(Some(bytes)) => got += bytes.len(),
            ended => break ended,
        }
    };
    assert_eq!((ended, got), (Err(SourceFailed), 1 + 19 * PIECE));
}

#[tokio::test]
async fn what_comes_from_no_origin_does_not_go_to_disk() {
    let directory = tempfile::tempdir().unwrap();
    let space = space(directory.path(), GIB);
    let mut answer = Answer::of_pieces(spilling(&space, GIB, Duration::ZERO), 50);
    answer.drawing.set(false);
    answer.take().await.unwrap();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(answer.rest().await.unwrap() == all(50).split_off(PIECE));
    assert_eq!(space.numbers(), SpillNumbers::default());
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_file_along() {
    let directory = tempfile::tempdir().unwrap();
    let space = space(directory.path(), GIB);
    let mut answer = Answer::of_pieces(spilling(&space, GIB, Duration::ZERO), 50);
    answer.take().await.unwrap();
    answer.read_down_to(0).await;
    assert!(
        std::fs::read_dir(directory.path())
            .unwrap()
            .next()
            .is_none()
    );
    drop(answer);
    while space.numbers().bytes != 0 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn short_answers_never_wait() {
    let space = space(Path::new("/nowhere"), GIB);
    let source = Source {
        pieces: VecDeque::new(),
        asked: mpsc::unbounded_channel().0,
    };
    let body = OutgoingBody::stream(Some(HAND_BYTES as u64), source);
    let before = match &body {
        OutgoingBody::Stream { source, .. } => std::ptr::from_ref(source.as_ref()).cast::<()>(),
        _ => panic!("no stream"),
    };
    let spilling = spilling(&space, GIB, Duration::ZERO);
    match spilling.over(body, Drawing::new(true)) {
        OutgoingBody::Stream { source, .. } => {
            assert_eq!(std::ptr::from_ref(source.as_ref()).cast::<()>(), before);
        }
        _ => panic!("no stream"),
    }
}
