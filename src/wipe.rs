//! An allocator that wipes what is given back: credentials also pass through buffers that are not opnode's own, such as those of the HTTP client.

#![expect(unsafe_code, reason = "an allocator works on raw memory")]

use std::alloc::{GlobalAlloc, Layout, System};

/// Larger blocks hold pages of items, and no credentials; wiping them would cost as much as copying them.
const WIPED_MAX: usize = 64 << 10;

/// The system's allocator, which wipes blocks of up to 64 KiB when they are freed or moved.
///
/// ```no_run
/// #[global_allocator]
/// static ALLOCATOR: opnode::Wiping = opnode::Wiping;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Wiping;

/// # Safety
/// `block` is valid for `size` bytes, and nobody uses it any more.
unsafe fn wipe(block: *mut u8, size: usize) {
    // Most blocks are small: two or four stores, which may overlap, cost less than a call.
    let zeros = |at: usize| {
        // SAFETY: the caller promises `size` bytes, and no more are written below.
        unsafe { block.add(at).cast::<[u8; 16]>().write_unaligned([0; 16]) }
    };
    match size {
        16..=64 => {
            zeros(0);
            zeros(size - 16);
            if size > 32 {
                zeros(16);
                zeros(size - 32);
            }
        }
        // SAFETY: as the caller promises.
        _ => unsafe { block.write_bytes(0, size) },
    }
    // As far as the compiler knows the zeros may be read here, so it writes them.
    std::hint::black_box(block);
}

// SAFETY: the system's allocator does the work; only blocks that are given back are written to.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is given back whole, as the caller promises.
        unsafe {
            if layout.size() <= WIPED_MAX {
                wipe(block, layout.size());
            }
            System.dealloc(block, layout);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: a block that would be moved is copied here instead, so that what it leaves behind is wiped; sizes and alignment are the caller's.
        unsafe {
            if layout.size() > WIPED_MAX {
                return System.realloc(block, layout, size);
            }
            let new = System.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                new.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(block: *mut u8, size: usize) -> Vec<u8> {
        // SAFETY: the tests read no more than they have written or asked for as zeros.
        unsafe { std::slice::from_raw_parts(block, size) }.to_vec()
    }

    /// Blocks of up to 64 KiB are moved by the allocator itself, larger ones by the system.
    #[test]
    fn blocks_keep_their_contents_and_alignment_when_they_grow_and_shrink() {
        for (align, sizes) in [
            (1, [3, 7, 1, 1]),
            (64, [24, 200, 100, 5000]),
            (4096, [10, WIPED_MAX, WIPED_MAX + 1, 9]),
            (16, [WIPED_MAX + 1, 1, WIPED_MAX * 2, 40]),
        ] {
            let mut layout = Layout::from_size_align(sizes[0], align).unwrap();
            // SAFETY: every block is used within its size, and given back once, with the layout that it has by then.
            unsafe {
                let mut block = Wiping.alloc(layout);
                for size in sizes {
                    block.write_bytes(7, layout.size());
                    block = Wiping.realloc(block, layout, size);
                    assert_eq!(block.align_offset(align), 0, "{size} bytes at {align}");
                    assert!(
                        bytes(block, size.min(layout.size())).iter().all(|b| *b == 7),
                        "{layout:?} to {size} bytes"
                    );
                    layout = Layout::from_size_align(size, align).unwrap();
                }
                Wiping.dealloc(block, layout);
            }
        }
    }

    #[test]
    fn blocks_of_every_size_are_wiped_whole_and_no_further() {
        for size in 0..200 {
            let mut block = [7_u8; 216];
            // SAFETY: 8 and 200 bytes fit.
            unsafe { wipe(block.as_mut_ptr().add(8), size) };
            let wiped = |at: usize| (8..8 + size).contains(&at);
            assert!(block.iter().enumerate().all(|(at, b)| *b == if wiped(at) { 0 } else { 7 }), "{size} bytes");
        }
    }

    #[test]
    fn zeroed_blocks_are_zero() {
        for size in [1, 100, WIPED_MAX + 1] {
            let layout = Layout::from_size_align(size, 8).unwrap();
            // SAFETY: the block is read within its size, and given back once.
            unsafe {
                let block = Wiping.alloc_zeroed(layout);
                assert_eq!(bytes(block, size), vec![0; size]);
                Wiping.dealloc(block, layout);
            }
        }
    }
}
