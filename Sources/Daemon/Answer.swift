import Glibc

/// Standard output did not take all of an answer: its disk is full, or nobody reads it any more.
struct LostAnswer: Error, CustomStringConvertible {
    /// `errno`.
    let number: Int32

    var description: String {
        "standard output: \(String(cString: strerror(self.number))): part of the answer is missing"
    }
}

/// Says on standard output what a person has asked for.
func answer(_ text: String) throws(LostAnswer) {
    let number = writeAll(STDOUT_FILENO, Array(text.utf8))
    guard number == 0 else { throw LostAnswer(number: number) }
}
