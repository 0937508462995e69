//! The ABI itself: the memory that guest and host share, and the hostcalls.
//!
//! All unsafe code of this crate is here. What the others see is safe: events
//! whose payloads live as long as the turn, and commands that are copied, or
//! known to stay in place, until the host has applied them.
#![allow(unsafe_code)]

use crate::abi::{self, Mailbox, Record};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::marker::PhantomData;
use std::ops::Deref;

/// Bytes for the events of a turn and their payloads.
const INBOX_BYTES: usize = 256 << 10;
/// Commands between two flushes.
const OUTBOX_RECORDS: usize = 2048;
/// Bytes that the commands between two flushes can stage.
const STAGE_BYTES: usize = 64 << 10;
/// The most buffers for large payloads that the host can hold at a time.
const BUFFERS: usize = 64;

const EMPTY: Record = Record { kind: 0, flags: 0, code: 0, conn: 0, data: 0, len: 0, token: 0 };
const UNREGISTERED: Mailbox = Mailbox {
    inbox: 0,
    inbox_bytes: 0,
    outbox: 0,
    outbox_records: 0,
    cursor: 0,
    wants: 0,
    grants: 0,
    minor: 0,
    reserved: [0; 32],
};

/// Memory that the host reads and writes, by the addresses in the mailbox, while
/// no code of the guest runs. That is why all of it is in cells: between two calls
/// of an export anything may have changed.
#[repr(C, align(8))]
struct Shared {
    mailbox: UnsafeCell<Mailbox>,
    inbox: UnsafeCell<[u8; INBOX_BYTES]>,
    outbox: UnsafeCell<[Record; OUTBOX_RECORDS]>,
    stage: UnsafeCell<[u8; STAGE_BYTES]>,
    outbox_used: Cell<usize>,
    stage_used: Cell<usize>,
}

thread_local! {
    // A guest has one thread, so this is a plain static there. It is all zeros, so
    // that the module does not contain it.
    static SHARED: Shared = const { Shared {
        mailbox: UnsafeCell::new(UNREGISTERED),
        inbox: UnsafeCell::new([0; INBOX_BYTES]),
        outbox: UnsafeCell::new([EMPTY; OUTBOX_RECORDS]),
        stage: UnsafeCell::new([0; STAGE_BYTES]),
        outbox_used: Cell::new(0),
        stage_used: Cell::new(0),
    } };
    static BUFFERS_LENT: Buffers = Buffers::default();
}

/// Memory that does not fit in [`Shared`].
#[derive(Default)]
struct Buffers {
    /// The host's, until an event points to one.
    lent: RefCell<Vec<Vec<u8>>>,
    /// What the events of this turn point to: ours again when the next turn begins.
    delivered: RefCell<Vec<Vec<u8>>>,
    /// Copies that commands point to, until the host has applied those.
    staged: RefCell<Vec<Vec<u8>>>,
}

#[cfg(target_arch = "wasm32")]
mod host {
    #[link(wasm_import_module = "wherry_v1")]
    extern "C" {
        pub fn flush(commands: i32) -> i32;
        pub fn log(level: i32, at: *const u8, len: u32);
        pub fn now(clock: i32) -> i64;
        pub fn random(at: *mut u8, len: u32);
    }
}

/// Where there is no host, a program can still be compiled, and its parts be
/// tested: commands go nowhere, lines to the standard error.
#[cfg(not(target_arch = "wasm32"))]
mod host {
    use std::collections::hash_map::RandomState;
    use std::hash::{BuildHasher, Hasher};
    use std::time::{SystemTime, UNIX_EPOCH};

    pub unsafe fn flush(_commands: i32) -> i32 {
        0
    }
    pub unsafe fn log(_level: i32, at: *const u8, len: u32) {
        // SAFETY: the caller passes address and length of one slice.
        let line = unsafe { std::slice::from_raw_parts(at, len as usize) };
        eprintln!("{}", String::from_utf8_lossy(line));
    }
    pub unsafe fn now(_clock: i32) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i64)
    }
    pub unsafe fn random(at: *mut u8, len: u32) {
        // SAFETY: the caller passes address and length of one slice.
        let out = unsafe { std::slice::from_raw_parts_mut(at, len as usize) };
        for byte in out {
            *byte = RandomState::new().build_hasher().finish() as u8;
        }
    }
}

fn address<T: ?Sized>(at: *const T) -> u32 {
    at as *const u8 as usize as u32
}

/// Registers inbox and outbox with the bits of the optional events, and returns the
/// address of the mailbox.
pub fn mailbox(wants: u32) -> u32 {
    SHARED.with(|s| {
        let filled = Mailbox {
            inbox: address(s.inbox.get()),
            inbox_bytes: INBOX_BYTES as u32,
            outbox: address(s.outbox.get()),
            outbox_records: OUTBOX_RECORDS as u32,
            wants,
            ..UNREGISTERED
        };
        // SAFETY: the pointer is valid, and no reference to the mailbox exists anywhere.
        unsafe { s.mailbox.get().write(filled) };
        address(s.mailbox.get())
    })
}

/// A turn: the proof that the host does not touch the inbox. Payloads borrow from it.
pub struct Turn {
    events: usize,
}

impl Turn {
    /// Begins the turn with `events` records in the inbox. The caller is the export
    /// that the host calls, and drops this before it returns.
    pub fn begin(events: u32) -> Turn {
        reclaim();
        SHARED.with(|s| {
            // What the guest commanded before its first turn waits in the outbox.
            if s.outbox_used.get() == 0 {
                s.stage_used.set(0);
                BUFFERS_LENT.with(|b| b.staged.borrow_mut().clear());
            }
        });
        let turn = Turn { events: (events as usize).min(INBOX_BYTES / abi::RECORD_SIZE as usize) };
        BUFFERS_LENT.with(|b| turn.take_back(b));
        turn
    }

    /// Takes back the buffers that events of this turn point to.
    fn take_back(&self, buffers: &Buffers) {
        let mut lent = buffers.lent.borrow_mut();
        if lent.is_empty() {
            return;
        }
        for i in 0..self.events {
            let data = self.record(i).data;
            if let Some(found) = lent.iter().position(|b| place(b.as_ptr()) == data) {
                buffers.delivered.borrow_mut().push(lent.swap_remove(found));
            }
        }
    }

    pub fn events(&self) -> usize {
        self.events
    }

    /// Returns event `i`, and tells the host that it is being handled.
    pub fn event(&self, i: usize) -> Event<'_> {
        SHARED.with(|s| {
            // SAFETY: the pointer is valid. Volatile, because the host reads this
            // after a trap, which the compiler does not know of.
            unsafe { std::ptr::addr_of_mut!((*s.mailbox.get()).cursor).write_volatile(i as u32) };
        });
        Event { record: self.record(i), turn: PhantomData }
    }

    fn record(&self, i: usize) -> Record {
        assert!(i < self.events);
        // SAFETY: the index is inside the inbox, which is aligned to 8 bytes, any
        // bytes are a record, and the host does not write during a turn.
        SHARED.with(|s| unsafe { s.inbox.get().cast::<Record>().add(i).read() })
    }

    /// Ends the turn and returns how many commands are in the outbox.
    pub fn end(self) -> i32 {
        SHARED.with(|s| s.outbox_used.replace(0)) as i32
    }
}

/// An event of a turn that goes on. Only [`Turn::event`] makes one, so that its address
/// and length are the host's.
pub struct Event<'t> {
    record: Record,
    turn: PhantomData<&'t Turn>,
}

impl Deref for Event<'_> {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

impl<'t> Event<'t> {
    /// Returns the payload.
    pub fn data(&self) -> &'t [u8] {
        if self.record.len == 0 {
            return &[];
        }
        // SAFETY: SPEC.md, section 6.3: what an event points to is inside the memory
        // and stays as it is until the guest returns from the turn, which `'t` does
        // not outlive. It is in the inbox or in a buffer that `take_back` keeps, and
        // nothing here writes to either.
        unsafe { std::slice::from_raw_parts(self.record.data as usize as *const u8, self.record.len as usize) }
    }

    /// Returns the payload if it is text.
    pub fn text(&self) -> Option<&'t str> {
        if self.record.flags & abi::FLAG_TEXT == 0 {
            return None;
        }
        // SAFETY: SPEC.md, section 6.1: the host sets the flag where it has validated
        // the payload as UTF-8.
        Some(unsafe { std::str::from_utf8_unchecked(self.data()) })
    }
}

/// Frees what the events of the last turn pointed to, now that its commands have been
/// applied.
fn reclaim() {
    BUFFERS_LENT.with(|b| b.delivered.borrow_mut().clear());
}

/// A page of the system, in bytes.
const PAGE: usize = 4096;

/// Returns where in a buffer the host's part begins: in the middle of a page, as
/// SPEC.md, section 9, recommends. There is a page more than the host asked for.
fn place(buffer: *const u8) -> u32 {
    let start = buffer as usize;
    (start + (PAGE / 2).wrapping_sub(start) % PAGE) as u32
}

/// Lends the host a buffer of `size` bytes; 0 is no.
pub fn alloc(size: u32) -> u32 {
    reclaim();
    BUFFERS_LENT.with(|b| {
        let mut lent = b.lent.borrow_mut();
        let mut buffer = Vec::new();
        if size == 0 || size > 1 << 30 || lent.len() == BUFFERS || buffer.try_reserve_exact(size as usize + PAGE).is_err() {
            return 0;
        }
        let at = place(buffer.as_ptr());
        lent.push(buffer);
        at
    })
}

/// Queues a command; its data is the parts, one behind the other. They are copied,
/// unless there is one and it is the payload of an event.
pub fn command(mut record: Record, parts: &[&[u8]]) {
    SHARED.with(|s| {
        if s.outbox_used.get() == OUTBOX_RECORDS {
            flush(s);
        }
        let len: usize = parts.iter().map(|part| part.len()).sum();
        record.len = len as u32;
        record.data = match parts {
            _ if len == 0 => 0,
            [part] if stays(s, part) => address(part.as_ptr()),
            _ => stage(s, parts, len),
        };
        let used = s.outbox_used.get();
        // SAFETY: staging flushes, if anything, so `used` is inside the outbox; no
        // reference to the outbox exists anywhere.
        unsafe { s.outbox.get().cast::<Record>().add(used).write(record) };
        s.outbox_used.set(used + 1);
    });
}

/// Reports whether a slice is a payload of this turn, which stays in place until the
/// turn is over.
fn stays(s: &Shared, part: &[u8]) -> bool {
    let within = |start: usize, size: usize| (part.as_ptr() as usize).wrapping_sub(start) < size;
    within(s.inbox.get() as usize, INBOX_BYTES)
        || BUFFERS_LENT.with(|b| b.delivered.borrow().iter().any(|d| within(d.as_ptr() as usize, d.capacity())))
}

/// Copies the parts to where they stay until the next flush, and returns the address.
#[inline(never)]
fn stage(s: &Shared, parts: &[&[u8]], len: usize) -> u32 {
    if len > STAGE_BYTES {
        return stage_large(parts);
    }
    if len > STAGE_BYTES - s.stage_used.get() {
        flush(s);
    }
    let start = s.stage_used.get();
    let mut end = start;
    for part in parts {
        // SAFETY: all parts together fit behind `start`, and no reference to the stage
        // exists anywhere, so it cannot overlap a part.
        unsafe {
            let to = s.stage.get().cast::<u8>().add(end);
            std::ptr::copy_nonoverlapping(part.as_ptr(), to, part.len());
        }
        end += part.len();
    }
    s.stage_used.set(end);
    // SAFETY: `start` is inside the stage.
    address(unsafe { s.stage.get().cast::<u8>().add(start) })
}

#[cold]
fn stage_large(parts: &[&[u8]]) -> u32 {
    let copy = parts.concat();
    let at = address(copy.as_ptr());
    BUFFERS_LENT.with(|b| b.staged.borrow_mut().push(copy));
    at
}

/// Has the host apply the commands so far. Those that are refused come back as faults.
#[cold]
fn flush(s: &Shared) {
    // SAFETY: the records before `outbox_used` are commands, as the host expects.
    unsafe { host::flush(s.outbox_used.get() as i32) };
    s.outbox_used.set(0);
    s.stage_used.set(0);
    BUFFERS_LENT.with(|b| b.staged.borrow_mut().clear());
}

/// Writes a line to the host's log.
pub fn log(level: u32, line: &str) {
    // SAFETY: the host reads the line during the call, and keeps nothing of it.
    unsafe { host::log(level as i32, line.as_ptr(), line.len() as u32) }
}

/// Reads a clock, in nanoseconds.
pub fn now(clock: u32) -> i64 {
    // SAFETY: the call touches no memory.
    unsafe { host::now(clock as i32) }
}

/// Fills `out` with random bytes.
pub fn random(out: &mut [u8]) {
    for part in out.chunks_mut(65536) {
        // SAFETY: the host writes within `part` during the call.
        unsafe { host::random(part.as_mut_ptr(), part.len() as u32) }
    }
}
