/// Whether a server would take this for the path of a node: absolute, no empty or relative names, no control characters.
///
/// Checked before the library sees it: C would end the path at a zero, and the library mishandles a bad path in a multi.
func isPath(_ path: String, sequential: Bool = false) -> Bool {
    guard path.first == "/" else { return false }
    if path == "/" { return true }
    guard path.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }) else {
        return false
    }
    var names = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    // A sequential node's name may be its number alone.
    if sequential, names.last == "" { names.removeLast() }
    return names.allSatisfy { $0 != "" && $0 != "." && $0 != ".." }
}
