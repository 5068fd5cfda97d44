internal import CRdKafka

/// How this process's allocator treats large blocks.
public enum LargeBlocks {
    /// In bytes: what is at least so large is a mapping of its own, and gone when it is freed.
    private static let threshold: Int32 = 128 << 10

    /// Keeps metadata answers, several megabytes each in a large cluster, from staying in the heap.
    ///
    /// glibc moves its threshold up to 32 MB as large blocks are freed (mallopt(3), M_MMAP_THRESHOLD), after which they
    /// stay; setting it once ends that, for the whole process. Measured with 100,000 partitions: 65 MB without, 57 MB
    /// with it, for a little more processor time.
    public static func returnToSystem() {
        crdkafka_set_mmap_threshold(self.threshold)
    }
}
