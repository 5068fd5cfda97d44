import Cluster
import YAML

extension Section {
    /// Keys of one's own choice with texts, such as librdkafka's properties.
    /// - Parameters:
    ///   - name: what is wrong with a name; `nil` if nothing is.
    ///   - value: what is wrong with a value under its name.
    func properties(
        _ key: String, name: (String) -> Complaint?, value: (String, PropertyValue) -> Complaint? = { _, _ in nil }
    ) -> [String: PropertyValue] {
        self.know(key)
        guard let node = self.find(key)?.value else { return [:] }
        guard let entries = node.mapping else {
            self.complain(Complaint("is not a mapping", "write `name: value` pairs"), key, at: node.mark)
            return [:]
        }
        var properties: [String: PropertyValue] = [:]
        for entry in entries {
            let place = "\(key).\(entry.key)"
            if let complaint = name(entry.key) {
                self.complain(complaint, place, at: entry.keyMark)
                continue
            }
            properties[entry.key] = self.attempt(place, entry.value) { scalar throws(Complaint) in
                guard !scalar.isNull else { throw Complaint("has no value", "write one, or leave the name out") }
                let (property, source) = try self.property(entry.key, scalar, at: entry.value.mark)
                if let complaint = value(entry.key, property) { throw complaint }
                self.reader.record(self.pathOf(place), property.description, source)
                return property
            }
        }
        return properties
    }

    private func property(_ name: String, _ scalar: Scalar, at mark: Mark) throws(Complaint) -> (
        PropertyValue, ConfigurationEntry.Source
    ) {
        if PropertyValue.isSecret(name: name) {
            let (secret, source) = try self.reader.secret(scalar, at: mark)
            return (.secret(secret), source)
        }
        let (resolved, source) = try self.reader.resolve(scalar, at: mark)
        guard !resolved.text.contains("\0") else { throw Complaint("has a NUL character", "leave it out") }
        return (.plain(resolved.text), source)
    }
}
