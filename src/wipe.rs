//! An allocator that wipes what is given back: credentials also pass through buffers that are not opnode's own, such as those of the HTTP client.

#![expect(unsafe_code, reason = "an allocator works on memory itself")]

use std::alloc::{GlobalAlloc, Layout, System};

/// Larger blocks hold pages of items, and no credentials; wiping them would cost as much as copying them.
const WIPED_MAX: usize = 64 << 10;

/// The system's allocator, which wipes blocks of up to 64 KiB when they are freed or moved.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wiping;

/// # Safety
/// `block` is valid for `size` bytes, and nobody uses it any more.
unsafe fn wipe(block: *mut u8, size: usize) {
    // SAFETY: as the caller promises.
    unsafe { block.write_bytes(0, size) };
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
