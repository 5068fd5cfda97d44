#if THREAD_SANITIZER
    internal import Glibc

    /// Stands for `Synchronization.Mutex` in builds for the thread sanitizer (`scripts/endure --sanitize thread`) alone: that
    /// one waits in ways which the sanitizer does not know, so that all it guards would look unguarded.
    final class Mutex<Value>: @unchecked Sendable {
        private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

        init(_ value: sending Value) {
            self.lock.initialize(to: pthread_mutex_t())
            pthread_mutex_init(self.lock, nil)
            self.value.initialize(to: value)
        }

        deinit {
            pthread_mutex_destroy(self.lock)
            self.lock.deallocate()
            self.value.deinitialize(count: 1)
            self.value.deallocate()
        }

        func withLock<Result, Failure: Error>(
            _ body: (inout Value) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            pthread_mutex_lock(self.lock)
            defer { pthread_mutex_unlock(self.lock) }
            return try body(&self.value.pointee)
        }
    }
#endif
