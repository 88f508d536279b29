//! An allocator that wipes freed memory: credentials also pass through buffers of libraries, such as the HTTP client.

#![expect(unsafe_code, reason = "an allocator works on raw memory")]

use std::alloc::{GlobalAlloc, Layout, System};

/// Maximum size of a wiped block. Larger blocks contain pages of items and no credentials; wiping them would cost as
/// much as copying them.
const WIPED_MAX: usize = 64 << 10;

/// The system's allocator; it wipes blocks of up to 64 KiB when they are freed or moved.
///
/// ```no_run
/// #[global_allocator]
/// static ALLOCATOR: opnode::Wiping = opnode::Wiping;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Wiping;

/// # Safety
/// `block` is valid for `size` bytes and no longer in use.
unsafe fn wipe(block: *mut u8, size: usize) {
    // Most blocks are small: two or four overlapping stores are cheaper than a call.
    let zeros = |at: usize| {
        // SAFETY: the caller guarantees `size` bytes, and the offsets below stay within them.
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
        // SAFETY: the caller guarantees `size` bytes.
        _ => unsafe { block.write_bytes(0, size) },
    }
    // Without this, the compiler would remove the writes to memory that is then freed.
    std::hint::black_box(block);
}

// SAFETY: the system's allocator does the work; only freed blocks are written to.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller frees a whole block with its layout.
        unsafe {
            if layout.size() <= WIPED_MAX {
                wipe(block, layout.size());
            }
            System.dealloc(block, layout);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller guarantees sizes and alignment. A block that would be moved is copied here, so that the
        // old one can be wiped.
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
        // SAFETY: the tests read only initialized bytes.
        unsafe { std::slice::from_raw_parts(block, size) }.to_vec()
    }

    /// The allocator moves blocks of up to 64 KiB, the system larger ones.
    #[test]
    fn blocks_keep_their_contents_and_alignment_when_they_grow_and_shrink() {
        for (align, sizes) in [
            (1, [3, 7, 1, 1]),
            (64, [24, 200, 100, 5000]),
            (4096, [10, WIPED_MAX, WIPED_MAX + 1, 9]),
            (16, [WIPED_MAX + 1, 1, WIPED_MAX * 2, 40]),
        ] {
            let mut layout = Layout::from_size_align(sizes[0], align).unwrap();
            // SAFETY: each block is used within its size and freed once with its current layout.
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
    fn blocks_of_every_size_are_wiped_exactly() {
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
            // SAFETY: the block is read within its size and freed once.
            unsafe {
                let block = Wiping.alloc_zeroed(layout);
                assert_eq!(bytes(block, size), vec![0; size]);
                Wiping.dealloc(block, layout);
            }
        }
    }
}
