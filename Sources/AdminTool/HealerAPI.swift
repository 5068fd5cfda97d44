import Admin
import Cluster
import Curl
import FoundationEssentials
import Glibc

/// The healers of a cluster, asked one after the other, the leader first.
struct HealerAPI: Sendable {
    let addresses: [String]
    /// `nil`: whichever a healer names first.
    let cluster: ClusterName?
    let timeout: Duration
    /// What to do when none answers.
    var hint = "`healerctl status` works without them; `healer run --config FILE` starts one."

    /// The first answer that is the page. A healer that cannot be reached is passed over; one that answers with a problem
    /// ends the search, unless `everybody` is asked, for what only some of them know.
    func page<Page: Decodable & Sendable>(
        _ type: Page.Type, _ path: String, query: [(String, String)] = [], everybody: Bool = false
    ) async throws(ToolFailure) -> Page {
        let client = HTTPClient()
        var failures: [String] = []
        var problem: ToolFailure?
        let named = self.cluster.map { [("cluster", $0.rawValue)] } ?? []
        let query = (query + named).map { "\($0.0)=\(Self.escaped($0.1))" }
        for address in self.addresses {
            let url = "http://\(address)/api/v1/\(path)?\(query.joined(separator: "&"))"
            do throws(CurlError) {
                let answer = try await client.get(url, timeout: self.timeout)
                if answer.status == 200, let page = try? AdminJSON.decode(type, from: answer.body) {
                    await client.close()
                    return page
                }
                if let said = try? AdminJSON.decode(APIProblem.self, from: answer.body) {
                    problem = ToolFailure(said.error, hint: said.hint)
                    if !everybody { break }
                } else {
                    failures.append("\(address) answers \(answer.status) with something else")
                }
            } catch {
                failures.append(error.description)
            }
        }
        await client.close()
        if let problem { throw problem }
        throw ToolFailure(
            failures.isEmpty ? "no healer takes part" : "no healer answered: \(failures.joined(separator: "; "))",
            hint: self.hint)
    }

    static func escaped(_ text: String) -> String {
        text.utf8.reduce(into: "") { escaped, byte in
            let character = Character(Unicode.Scalar(byte))
            if character.isASCII, character.isLetter || character.isNumber || "-._".contains(character) {
                escaped.append(character)
            } else {
                escaped +=
                    "%" + String(byte >> 4, radix: 16, uppercase: true)
                    + String(byte & 15, radix: 16, uppercase: true)
            }
        }
    }
}
