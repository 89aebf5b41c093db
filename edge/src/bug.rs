//! What a module without the standard library brings itself: memory, and what becomes of a bug.

use alloc::format;

#[global_allocator]
static MEMORY: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// A bug is said in the log of the worker by its place, before the instance is thrown away. The words of every panic would have to be
/// uploaded.
#[panic_handler]
fn stop(panic: &core::panic::PanicInfo<'_>) -> ! {
    if let Some(place) = panic.location() {
        crate::log(&format!("a bug at {}:{}", place.file(), place.line()));
    }
    core::arch::wasm32::unreachable()
}
