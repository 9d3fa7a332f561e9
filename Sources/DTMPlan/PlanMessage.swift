public import DTMSecrets

/// What a ``PlanLink`` carries one way: ``ControlMessage`` and ``DataPlaneMessage`` are all there are.
public protocol PlanMessage: Sendable {
    /// The longest payload, in bytes.
    static var maximumPayloadBytes: Int { get }

    /// Whether frames of this direction hold secrets. The reader then never reads past the part it is at, so that no
    /// byte of a secret can come into its buffer.
    static var carriesSecrets: Bool { get }

    /// How many bytes at the end of a frame's payload are a secret; nil when the type is unknown.
    static func secretBytes(inFrameOfType type: UInt8) -> Int?

    var isHello: Bool { get }

    /// Whether this may be lost when the other side does not keep up: a measurement, not a decision.
    var mayBeDropped: Bool { get }

    /// The secret at the end of the payload. ``append(to:)`` counts it into the frame's length and leaves it out.
    var secret: SharedSecret? { get }

    /// Appends the frame, without its secret; on an error nothing is appended.
    func append(to writer: inout FrameWriter) throws(PlanError)

    /// Reads a payload of the type, without its secret.
    init(type: UInt8, from reader: inout FrameReader, secret: SharedSecret?) throws(PlanError)
}
