import Cluster
import YAML

/// What a value must be, and how it is read and shown.
struct ConfigurationKind<Value> {
    /// "a whole number from 0 to 65535": what would be right.
    let wanted: String
    let read: (Scalar) throws(Complaint) -> Value
    let show: (Value) -> String
}

extension ConfigurationKind {
    fileprivate static func complaint(_ scalar: Scalar, wanted: String) -> Complaint {
        Complaint(scalar.text.isEmpty ? "is empty" : "is `\(scalar.text)`", "write \(wanted)")
    }

    fileprivate static func number<Number: Comparable>(
        _ scalar: Scalar, _ range: ClosedRange<Number>, wanted: String,
        _ read: (Scalar) throws(Scalar.Mismatch) -> Number
    ) throws(Complaint) -> Number {
        do {
            let number = try read(scalar)
            guard range.contains(number) else { throw Scalar.Mismatch.overflow }
            return number
        } catch Scalar.Mismatch.quoted {
            throw Complaint("is a text because of its quotes", "write \(scalar.text) without quotes")
        } catch Scalar.Mismatch.leadingZero {
            throw Complaint("is `\(scalar.text)`, which YAML 1.1 takes for octal", "write it without the leading zero")
        } catch Scalar.Mismatch.sexagesimal {
            throw Complaint("is `\(scalar.text)`, which YAML 1.1 counts in sixties", "write \(wanted)")
        } catch {
            throw Self.complaint(scalar, wanted: wanted)
        }
    }
}

extension ConfigurationKind where Value == String {
    static var text: Self { self.text("a text") { !$0.isEmpty } }

    static func text(_ wanted: String, _ allowed: @escaping (String) -> Bool) -> Self {
        Self(
            wanted: wanted,
            read: { scalar throws(Complaint) in
                guard allowed(scalar.text), !scalar.text.contains("\0") else {
                    throw Self.complaint(scalar, wanted: wanted)
                }
                return scalar.text
            }, show: { $0 })
    }

    /// What may stand in an argument vector, a znode's name and a metric's label.
    static var name: Self {
        .text("letters, digits, dots, dashes and underscores, at most 253, not a dash or a dot first") {
            NodeName($0).isAllowed
        }
    }

    static var host: Self { .text("a host name, or an IPv4 or IPv6 address") { HostName.isAllowed($0) } }

    static var absolutePath: Self { .text("an absolute path, beginning with `/`") { $0.hasPrefix("/") } }

    /// A path in ZooKeeper below which everything of ours lies.
    static var znode: Self {
        .text("a path in ZooKeeper such as `/kafka-healer`, without a slash at its end, not in `/zookeeper`") {
            $0 != "/" && ConnectString.isPath($0) && $0 != "/zookeeper" && !$0.hasPrefix("/zookeeper/")
        }
    }
}

extension ConfigurationKind where Value == Bool {
    static var boolean: Self {
        Self(
            wanted: "true or false",
            read: { scalar throws(Complaint) in
                do throws(Scalar.Mismatch) { return try scalar.boolean() } catch .quoted {
                    throw Complaint("is a text because of its quotes", "write \(scalar.text) without quotes")
                } catch { throw Self.complaint(scalar, wanted: "true or false") }
            }, show: { String($0) })
    }
}

extension ConfigurationKind where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Self {
        let wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return Self(
            wanted: wanted,
            read: { scalar throws(Complaint) in
                Int(
                    try Self.number(
                        scalar, Int64(range.lowerBound)...Int64(range.upperBound), wanted: wanted
                    ) { scalar throws(Scalar.Mismatch) in try scalar.integer() })
            }, show: { String($0) })
    }
}

extension ConfigurationKind where Value == UInt16 {
    static var port: Self {
        let wanted = "a port from 0 to 65535, where 0 means any free one"
        return Self(
            wanted: wanted,
            read: { scalar throws(Complaint) in
                UInt16(
                    try Self.number(scalar, 0...65535, wanted: wanted) { scalar throws(Scalar.Mismatch) in
                        try scalar.integer()
                    })
            }, show: { String($0) })
    }
}

extension ConfigurationKind where Value == Double {
    static func number(_ range: ClosedRange<Double>) -> Self {
        let wanted = "a number from \(shortest(range.lowerBound)) to \(shortest(range.upperBound))"
        return Self(
            wanted: wanted,
            read: { scalar throws(Complaint) in
                try Self.number(scalar, range, wanted: wanted) { scalar throws(Scalar.Mismatch) in try scalar.number() }
            }, show: shortest)
    }
}

extension ConfigurationKind where Value == Duration {
    /// Read to the microsecond.
    static func seconds(_ range: ClosedRange<Double>) -> Self {
        let wanted = "a number of seconds from \(shortest(range.lowerBound)) to \(shortest(range.upperBound))"
        return Self(
            wanted: wanted,
            read: { scalar throws(Complaint) in
                let seconds = try Self.number(scalar, range, wanted: wanted) { scalar throws(Scalar.Mismatch) in
                    try scalar.number()
                }
                return .microseconds(Int64((seconds * 1e6).rounded()))
            }, show: { shortest($0.inSeconds) })
    }
}

extension ConfigurationKind where Value == Duration {
    static func wholeSeconds(_ range: ClosedRange<Int>) -> Self {
        let number = ConfigurationKind<Int>.integer(range)
        return Self(
            wanted: "\(number.wanted), in seconds",
            read: { scalar throws(Complaint) in .seconds(try number.read(scalar)) },
            show: { shortest($0.inSeconds) })
    }
}

extension ConfigurationKind where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    /// One of some words; `later` are words of versions to come, and what they will need.
    static func choice(later: [String: String] = [:]) -> Self {
        let names = Value.allCases.map(\.rawValue)
        let wanted =
            names.count == 1
            ? "`\(names[0])`" : "one of \(names.map { "`\($0)`" }.joined(separator: ", "))"
        return Self(
            wanted: wanted,
            read: { scalar throws(Complaint) in
                if let value = Value(rawValue: scalar.text) { return value }
                if let reason = later[scalar.text] {
                    throw Complaint("is `\(scalar.text)`: \(reason)", "write \(wanted)")
                }
                let nearest = NearestName.of(scalar.text, among: names).map { "did you mean `\($0)`? " } ?? ""
                throw Complaint("is `\(scalar.text)`", "\(nearest)write \(wanted)")
            }, show: { $0.rawValue })
    }
}

extension ConfigurationKind where Value == ConnectString {
    static var connectString: Self {
        Self(
            wanted: "`host:port,host:port/chroot`",
            read: { scalar throws(Complaint) in try ConnectString(reading: scalar.text) }, show: { $0.description })
    }
}

/// Without `.0` at the end of a whole number.
func shortest(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : String(number)
}
