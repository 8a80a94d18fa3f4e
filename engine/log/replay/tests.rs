use tempfile::TempDir;

use super::*;
use crate::{
    delivery::Health,
    log::{self, DEAD_LETTER_BYTES_MAX, Message, Payload, Share, Start, promises::dead_letter},
    testing::Toy,
};

struct Place {
    _folder: TempDir,
    log: Arc<dyn Log>,
    letters: LogDeadLetters,
}

impl Place {
    /// A log with these dead letters.
    fn with(letters: &[DeadLetter]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("log.db").display());
        let log = log::open::<Toy>(&url).unwrap();
        assert_eq!(log.dead_letters().unwrap().write(letters).unwrap(), []);
        Place { _folder: folder, letters: LogDeadLetters::new(Arc::clone(&log), DeadLetterKinds::of::<Toy>()), log }
    }

    /// The messages that were sent back until now, in their order.
    fn sent(&self) -> Vec<Message> {
        let health = Arc::new(Health::new("the log"));
        let mut reader = self.log.reader(Share::ALL, Start::Earliest, Arc::new(|| ()), health).unwrap();
        let (mut messages, deadline) = (Vec::new(), Instant::now() + Duration::from_secs(30));
        let partitions = self.log.partitions().unwrap() as usize;
        while reader.exhausted() < partitions {
            reader.poll(100, &mut messages);
            assert!(Instant::now() < deadline, "{} messages", messages.len());
            std::thread::sleep(Duration::from_millis(1));
        }
        messages.sort_by_key(|message| message.payload.bytes().to_vec());
        messages
    }
}

fn letters() -> Vec<DeadLetter> {
    let mut letters: Vec<_> = (0..5).map(|n| dead_letter(n, vec![n as u8])).collect();
    letters[1].reason = "not JSON".to_owned();
    letters[2].attempt = ATTEMPTS_MAX;
    letters[3].payload = Payload::new(vec![7; DEAD_LETTER_BYTES_MAX + 1]);
    letters[4].attempt = 1;
    letters
}

const LONG_AGO: DateTime<Utc> = DateTime::from_timestamp_nanos(0);

fn offsets(found: &LatestLetters) -> Vec<u64> {
    found.letters.iter().map(|letter| letter.position.offset.0).collect()
}

#[test]
fn the_latest_letters_come_first_and_a_text_of_the_reason_filters_them() {
    let place = Place::with(&letters());
    let found = place.letters.latest(LONG_AGO, "", 3).unwrap();
    assert_eq!((offsets(&found), found.found, found.is_complete), (vec![4, 3, 2], 5, true));
    let found = place.letters.latest(LONG_AGO, "Colour", 9).unwrap();
    assert_eq!((offsets(&found), found.found), (vec![4, 3, 2, 0], 4));
    let later = Utc::now() + TimeDelta::hours(1);
    assert_eq!(place.letters.latest(later, "", 3).unwrap().letters, []);
}

#[test]
fn a_single_letter_is_sent_back_as_it_was_with_its_attempts() {
    let letters = letters();
    let place = Place::with(&letters);
    let send = |letter: &DeadLetter| place.letters.send_back(letter.position, letter.found_at).unwrap();
    assert_eq!(
        letters.iter().map(send).collect::<Vec<_>>(),
        [SentBack::Sent, SentBack::Sent, SentBack::Tried, SentBack::Cut, SentBack::Sent]
    );
    assert_eq!(send(&dead_letter(9, vec![])), SentBack::Unknown);
    let sent: Vec<_> = place.sent().into_iter().map(|it| (it.payload.bytes().to_vec(), it.attempt)).collect();
    assert_eq!(sent, [(vec![0], 1), (vec![1], 1), (vec![4], 2)]);
}

#[test]
fn a_replay_goes_on_after_what_it_has_sent_for_each_filter_by_itself() {
    let place = Place::with(&letters());
    let replay = |filter| place.letters.replay(filter, &mut |_| ControlFlow::Continue(())).unwrap();
    let dry = replay(ReplayFilter { dry_run: true, ..ReplayFilter::default() });
    assert_eq!((dry.sent, dry.kept, place.sent().len()), (3, 2, 0));
    let colour = ReplayFilter { reason: Some("Colour"), ..ReplayFilter::default() };
    let summary = replay(colour);
    assert_eq!((summary.sent, summary.kept, summary.filtered_out), (2, 2, 1));
    let kept = ReasonCounts { sent: 2, kept_tried: 1, kept_cut: 1 };
    assert_eq!((&summary.kinds["Colour"], &summary.reasons["Colour: is missing"]), (&kept, &kept));
    assert_eq!(replay(colour), ReplaySummary::default());
    assert_eq!(replay(ReplayFilter::default()).sent, 3);
    let mut pages = 0;
    let all = ReplayFilter { since: Some(LONG_AGO), ..ReplayFilter::default() };
    let ended = |_: &ReplaySummary| {
        pages += 1;
        ControlFlow::Break(())
    };
    place.letters.replay(all, &mut { ended }).unwrap();
    assert_eq!(pages, 1);
    assert_eq!(place.sent().len(), 2 + 3 + 3);
}
