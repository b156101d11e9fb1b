//! Judges whether a history of calls on one key is linearizable.
//!
//! A history is linearizable when every call can be given one moment between its
//! beginning and its end, so that the answers are those of a single register that
//! is called at these moments. Calls whose outcome is unknown (a lost connection,
//! a killed server) may have happened at any moment after they began, or never.
//!
//! The search is that of Wing and Gong with Lowe's memory of visited states. Keys
//! are independent: judge each by itself, with a few thousand calls at most.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a client asked of the register; `None` stands for no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call<V> {
    /// Write, whatever is there.
    Put(V),
    /// Read.
    Get,
    /// Remove, whatever is there.
    Delete,
    /// Write (or remove), if exactly this is there.
    CompareAndSet(Option<V>, Option<V>),
}

/// What the client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<V> {
    /// A put, a delete or a compare-and-set was carried out.
    Done,
    /// What a get found.
    Found(Option<V>),
    /// A compare-and-set found something else.
    Refused,
    /// Nothing, or nothing to rely on.
    Unknown,
}

/// A call with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<V> {
    /// What was asked.
    pub call: Call<V>,
    /// What came back.
    pub answer: Answer<V>,
    /// A moment before the call was made.
    pub began: u64,
    /// A moment after the answer came. Of no meaning when it is unknown.
    pub ended: u64,
}

/// No order of these calls explains their answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation<V> {
    /// How many calls the best attempt explained.
    pub explained: usize,
    /// What it took the register to hold then.
    pub value: Option<V>,
    /// Calls of which one had to come next, and none could.
    pub stuck: Vec<Operation<V>>,
}

/// Judges a history that began with this value in the register.
///
/// # Errors
/// A [`Violation`] when it is not linearizable.
pub fn check<V>(initial: Option<V>, history: &[Operation<V>]) -> Result<(), Violation<V>>
where
    V: Clone + Eq + Hash,
{
    let mut history = history.to_vec();
    history.sort_by_key(|operation| operation.began);
    let (known, unknown) = history
        .into_iter()
        .partition(|operation| operation.answer != Answer::Unknown);
    let history = History { known, unknown };
    let start = State {
        value: initial,
        first_left: 0,
        ahead: Vec::new(),
        happened: Vec::new(),
        unobserved: None,
    };
    let mut best = (start.clone(), 0);
    let mut visited = HashSet::new();
    let mut open = vec![start];
    while let Some(state) = open.pop() {
        let explained = state.first_left + state.ahead.len();
        if explained == history.known.len() {
            return Ok(());
        }
        for after in state.successors(&history) {
            if visited.insert(after.clone()) {
                open.push(after);
            }
        }
        if explained > best.1 {
            best = (state, explained);
        }
    }
    let (state, explained) = best;
    let stuck = state.may_come_next(&history);
    Err(Violation {
        explained,
        stuck: stuck.map(|index| history.known[index].clone()).collect(),
        value: state.value,
    })
}

/// Calls in the order in which they began.
struct History<V> {
    known: Vec<Operation<V>>,
    unknown: Vec<Operation<V>>,
}

/// The register after some of the calls.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State<V> {
    value: Option<V>,
    /// All known calls before this one were given their moment,
    first_left: usize,
    /// and these after it, in ascending order.
    ahead: Vec<usize>,
    /// The unknown calls that happened, in ascending order.
    happened: Vec<usize>,
    /// The value before unknown calls that nothing observed yet. An unknown call
    /// can be put off until a known one needs it, so only that is tried.
    unobserved: Option<Before<V>>,
}

/// What the register held.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Before<V>(Option<V>);

impl<V: Clone + Eq> State<V> {
    /// States after one more call. Those to try first come last.
    fn successors(&self, history: &History<V>) -> Vec<Self> {
        let mut after_known = Vec::new();
        for index in self.may_come_next(history) {
            let Some(after) = self.after_known(index, &history.known[index]) else {
                continue;
            };
            if history.known[index].answer != Answer::Done {
                // It only looked, and saw what it had to: no need to try it later.
                return vec![after];
            }
            after_known.push(after);
        }
        let deadline = self.deadline(history);
        let mut after: Vec<_> = history
            .unknown
            .iter()
            .enumerate()
            .take_while(|(_, operation)| operation.began <= deadline)
            .filter_map(|(index, operation)| self.after_unknown(index, operation))
            .collect();
        after_known.reverse();
        after.append(&mut after_known);
        after
    }

    /// Known calls that began before every other one that is left had ended.
    fn may_come_next(&self, history: &History<V>) -> impl Iterator<Item = usize> {
        let deadline = self.deadline(history);
        let known = history.known.iter().enumerate().skip(self.first_left);
        known
            .take_while(move |(_, operation)| operation.began <= deadline)
            .map(|(index, _)| index)
            .filter(|index| self.ahead.binary_search(index).is_err())
    }

    /// The first end of a known call that is left.
    fn deadline(&self, history: &History<V>) -> u64 {
        let mut deadline = u64::MAX;
        for (index, operation) in history.known.iter().enumerate().skip(self.first_left) {
            if operation.began > deadline {
                break;
            }
            if self.ahead.binary_search(&index).is_err() {
                deadline = deadline.min(operation.ended);
            }
        }
        deadline
    }

    /// The state after a call, if the register answers it as it was answered.
    fn after_known(&self, index: usize, operation: &Operation<V>) -> Option<Self> {
        let (value, answer) = apply(&operation.call, self.value.as_ref());
        if answer != operation.answer {
            return None;
        }
        if let Some(Before(before)) = &self.unobserved
            && apply(&operation.call, before.as_ref()).1 == operation.answer
        {
            return None;
        }
        let mut after = self.clone();
        after.value = value;
        after.unobserved = None;
        let place = after.ahead.partition_point(|other| *other < index);
        after.ahead.insert(place, index);
        let next = |(place, index): &(usize, &usize)| **index == self.first_left + place;
        let joined = after.ahead.iter().enumerate().take_while(next).count();
        after.ahead.drain(..joined);
        after.first_left += joined;
        Some(after)
    }

    /// The state after a call of unknown outcome, if it makes a difference.
    fn after_unknown(&self, index: usize, operation: &Operation<V>) -> Option<Self> {
        let (value, _) = apply(&operation.call, self.value.as_ref());
        let place = self.happened.binary_search(&index).err()?;
        let is_blind = matches!(operation.call, Call::Put(_) | Call::Delete);
        if value == self.value || (is_blind && self.unobserved.is_some()) {
            return None;
        }
        let mut after = self.clone();
        let before = || Before(self.value.clone());
        after.unobserved.get_or_insert_with(before);
        after.value = value;
        after.happened.insert(place, index);
        Some(after)
    }
}

/// What the register holds after a call, and what it answers.
fn apply<V: Clone + Eq>(call: &Call<V>, value: Option<&V>) -> (Option<V>, Answer<V>) {
    let value = value.cloned();
    match call {
        Call::Put(new) => (Some(new.clone()), Answer::Done),
        Call::Get => (value.clone(), Answer::Found(value)),
        Call::Delete => (None, Answer::Done),
        Call::CompareAndSet(expected, new) if *expected == value => (new.clone(), Answer::Done),
        Call::CompareAndSet(..) => (value, Answer::Refused),
    }
}

/// Records a history while many clients make it.
#[derive(Debug)]
pub struct Recorder<V> {
    moment: AtomicU64,
    history: Mutex<Vec<Operation<V>>>,
}

impl<V: Clone> Recorder<V> {
    /// A recorder of an empty history.
    pub fn new() -> Self {
        Self {
            moment: AtomicU64::new(0),
            history: Mutex::new(Vec::new()),
        }
    }

    /// Notes that a call is about to be made. Its answer is unknown until
    /// [`end`](Self::end).
    pub fn begin(&self, call: Call<V>) -> usize {
        let operation = Operation {
            call,
            answer: Answer::Unknown,
            began: self.moment.fetch_add(1, Ordering::SeqCst),
            ended: u64::MAX,
        };
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.push(operation);
        history.len() - 1
    }

    /// Notes that the answer of a call came.
    pub fn end(&self, call: usize, answer: Answer<V>) {
        let ended = self.moment.fetch_add(1, Ordering::SeqCst);
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history[call].ended = ended;
        history[call].answer = answer;
    }

    /// The history so far.
    pub fn history(&self) -> Vec<Operation<V>> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.clone()
    }
}

impl<V: Clone> Default for Recorder<V> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
