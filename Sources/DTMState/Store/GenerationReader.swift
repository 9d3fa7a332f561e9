import DTMCore
import DTMSecrets

/// Reads generations and checks all that can be checked of them.
struct GenerationReader: Sendable {
    let folder: StateFolder
    let envelope: Envelope
    let recipient: OpenPGPKeyPair

    /// The longest commit and the longest generation, in bytes.
    static let maximumHead = 1 << 17
    static let maximumContent = 1 << 23
    /// How many commits are looked at to tell which generation a file belongs to.
    private static let maximumCompared = 16

    /// A commit with the hash by which the next one names it.
    struct Found: Sendable {
        var commit: Commit
        var digest: [UInt8]
    }

    /// Ascending.
    func generations() throws(StateError) -> [UInt64] { try folder.names().compactMap(GenerationName.ofHead).sorted() }

    func head(_ generation: UInt64) throws(StateError) -> Found {
        let name = GenerationName.head(generation)
        let bytes = try folder.read(name, atMost: Self.maximumHead)
        let commit = try Commit(bytes, envelope.keys, instance: envelope.instance, file: name)
        guard commit.generation == generation else {
            throw .damaged(.generation, name, "it is the commit of generation \(commit.generation)")
        }
        return Found(commit: commit, digest: Digest.of(bytes))
    }

    /// That a commit follows the one before, as far as that is still here.
    func checkChain(_ found: Found) throws(StateError) {
        let commit = found.commit
        guard commit.generation > 1 else {
            guard commit.previous == Digest.none else {
                throw .damaged(
                    .chain, GenerationName.head(1), "the first generation has no predecessor, and this one names one")
            }
            return
        }
        let name = GenerationName.head(commit.generation - 1)
        guard try folder.has(name) else { return }
        guard Digest.of(try folder.read(name, atMost: Self.maximumHead)) == commit.previous else {
            throw .damaged(
                .chain, GenerationName.head(commit.generation), "it does not follow the generation that lies before it")
        }
    }

    func content(_ found: Found) throws(StateError) -> StateContent {
        let commit = found.commit
        let name = GenerationName.content(commit.generation)
        let bytes = try folder.read(name, atMost: Self.maximumContent)
        let digest = Digest.of(bytes)
        if digest != commit.digest, let other = try generation(of: digest) {
            throw .damaged(.generation, name, "it is the file of generation \(other)")
        }
        guard bytes.count >= commit.length else {
            throw .damaged(
                .truncated, name, "it has \(bytes.count) bytes, and \(commit.length) were committed")
        }
        let signer: OpenPGPPublicKey
        do {
            signer = try OpenPGPPublicKey(commit.signer)
        } catch {
            throw .damaged(
                .malformed, GenerationName.head(commit.generation), "its signer's key can't be used", cause: error)
        }
        // The message first: what is wrong with it says more than that its hash is another one.
        let content = try envelope.open(
            bytes,
            Envelope.Binding(
                generation: commit.generation, previous: commit.previous, signer: signer.fingerprint),
            with: recipient, signer: signer, file: name)
        guard bytes.count == commit.length, digest == commit.digest else {
            throw .damaged(.modified, name, "it is not what was committed")
        }
        return content
    }

    /// Which generation that is still here has a file with this content.
    private func generation(of digest: [UInt8]) throws(StateError) -> UInt64? {
        for generation in try generations().suffix(Self.maximumCompared) {
            if (try? head(generation))?.commit.digest == digest { return generation }
        }
        return nil
    }
}
