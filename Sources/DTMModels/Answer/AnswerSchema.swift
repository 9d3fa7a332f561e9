import DTMCore

/// The form of an answer as a JSON schema, in the subset that every provider takes in its strict mode: a root object,
/// every field required, null instead of absence, nothing additional, no bounds on numbers or lengths, five levels at
/// most. The bounds are checked here, by ``AnswerReader``.
enum AnswerSchema {
    static let name = "assessment"

    static let node = object([
        ("overall", type("string")),
        ("applications", .object([("type", .string("array")), ("items", application)])),
    ])

    private static let application = object([
        ("id", type("string")),
        (
            "verdict",
            .object([
                ("type", .string("string")),
                ("enum", .array(ModelAdvice.Opinion.Verdict.allCases.map { .string($0.rawValue) })),
            ])
        ),
        ("attention", type("integer")),
        ("summary", type("string")),
        ("evidence", .object([("type", .string("array")), ("items", type("string"))])),
        ("recommendation", .object([("type", .array([.string("string"), .string("null")]))])),
    ])

    private static func type(_ name: String) -> JSONNode { .object([("type", .string(name))]) }

    private static func object(_ properties: [(String, JSONNode)]) -> JSONNode {
        .object([
            ("type", .string("object")),
            ("properties", .object(properties)),
            ("required", .array(properties.map { .string($0.0) })),
            ("additionalProperties", .boolean(false)),
        ])
    }
}
