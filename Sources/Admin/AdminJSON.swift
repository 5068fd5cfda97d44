internal import FoundationEssentials

/// The one form in which pages travel: keys in snake_case, sorted; times as milliseconds since 1970; what is not known
/// is left out.
public enum AdminJSON {
    /// What arrived is not the page that was asked for.
    public struct Unreadable: Error, Hashable, Sendable {
        public let reason: String
    }

    /// - Parameter pretty: one key per line, for people.
    public static func encode(_ page: some Encodable, pretty: Bool = false) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        // A number that JSON has no word for must not cost the whole page.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        // Pages are made of strings, numbers, booleans and arrays: nothing in them can fail to encode.
        return [UInt8](try! encoder.encode(page))
    }

    public static func decode<Page: Decodable>(_ type: Page.Type, from json: [UInt8]) throws(Unreadable) -> Page {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do {
            return try decoder.decode(type, from: Data(json))
        } catch {
            throw Unreadable(reason: String(describing: error))
        }
    }
}
