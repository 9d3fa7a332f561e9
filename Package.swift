// swift-tools-version: 6.2

import PackageDescription

/// One set of settings for every target: Swift 6 mode, explicit existentials, no import that leaks
/// through another module, and no warning that is left for later.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// Targets of this package that `dependencies` name by a bare string; libraries are named below.
func stage(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

extension Target.Dependency {
    static let nioCore = Self.product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = Self.product(name: "NIOPosix", package: "swift-nio")
    static let nioConcurrencyHelpers = Self.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
    static let nioHTTP1 = Self.product(name: "NIOHTTP1", package: "swift-nio")
    static let nioEmbedded = Self.product(name: "NIOEmbedded", package: "swift-nio")
    static let nioTLS = Self.product(name: "NIOTLS", package: "swift-nio")
    static let nioSSL = Self.product(name: "NIOSSL", package: "swift-nio-ssl")
    static let x509 = Self.product(name: "X509", package: "swift-certificates")
    static let asn1 = Self.product(name: "SwiftASN1", package: "swift-asn1")
    static let crypto = Self.product(name: "Crypto", package: "swift-crypto")
    static let logging = Self.product(name: "Logging", package: "swift-log")
    static let serviceLifecycle = Self.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals = Self.product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let hummingbird = Self.product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore = Self.product(name: "HummingbirdCore", package: "hummingbird")
    static let httpClient = Self.product(name: "AsyncHTTPClient", package: "async-http-client")
    static let httpTypes = Self.product(name: "HTTPTypes", package: "swift-http-types")
    static let nioHTTPTypes = Self.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let argumentParser = Self.product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncAlgorithms = Self.product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
}

let package = Package(
    name: "dtm",
    products: [
        .executable(name: "dtm", targets: ["dtm"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", from: "1.1.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        // Without its default traits: they draw in the whole of Foundation.
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
    ],
    targets: [
        .target(name: "CDTMLinux"),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        // Without pkg-config: its file has flags that SwiftPM does not pass on, and says so each time.
        .systemLibrary(name: "CNcurses", providers: [.apt(["libncurses-dev"])]),
        .systemLibrary(name: "CRNP", pkgConfig: "librnp", providers: [.apt(["librnp-dev"])]),

        // The vocabulary.
        stage("DTMCore"),

        // The pipeline, in the order in which data flows.
        stage("DTMDiscovery", ["DTMCore", "CDTMLinux", .crypto]),
        stage("DTMPolicy", ["DTMCore"]),
        stage(
            "DTMTunnel",
            [
                "DTMCore", "DTMSecrets", "CSodium", "CDTMLinux",
                .nioCore, .nioPosix, .nioTLS, .nioSSL, .nioConcurrencyHelpers,
            ]),
        stage("DTMTelemetry", ["DTMCore", .logging]),
        stage("DTMAnalysis", ["DTMCore"]),
        stage(
            "DTMModels",
            ["DTMCore", "DTMSecrets", .httpClient, .nioCore, .nioPosix, .nioHTTP1, .crypto]),
        stage("DTMResponse", ["DTMCore"]),
        stage("DTMNotify", ["DTMCore", "DTMSecrets", "CSodium"]),

        // Beside the pipeline.
        stage("DTMConfiguration", ["DTMCore"]),
        stage("DTMSecrets", ["DTMCore", "CSodium", "CDTMLinux"]),
        stage("DTMState", ["DTMCore", "DTMSecrets", "CRNP", "CSodium", "CDTMLinux"]),
        stage("DTMCertificates", ["DTMCore", "DTMSecrets", .x509, .asn1, .crypto]),

        // What control and data plane say to each other.
        // What is wrong on this host: `dtm doctor`.
        stage("DTMDoctor", ["DTMCore", "CDTMLinux"]),

        stage("DTMPlan", ["DTMCore", "DTMSecrets", "CDTMLinux"]),

        // Joiners: a process each.
        stage(
            "DTMDataPlane",
            [
                "DTMCore", "DTMSecrets", "DTMPlan", "DTMTunnel", "DTMCertificates", "CDTMLinux",
                .nioCore, .nioPosix, .nioSSL, .nioConcurrencyHelpers,
            ]),
        stage(
            "DTMConnector",
            [
                "DTMCore", "DTMSecrets", "DTMAPI", "DTMTunnel", "DTMCertificates", "CDTMLinux",
                .nioCore, .nioPosix, .nioSSL, .nioConcurrencyHelpers, .asyncAlgorithms, .unixSignals,
            ]),
        stage(
            "DTMManager",
            [
                "DTMCore", "DTMSecrets", "DTMPlan", "DTMAPI", "DTMConfiguration", "DTMCertificates",
                "DTMDiscovery", "DTMPolicy", "DTMTelemetry", "DTMDoctor", "DTMTunnel", "DTMConnector", "DTMState",
                "DTMAnalysis", "DTMModels", "DTMResponse", "DTMNotify", "CDTMLinux",
                .nioCore, .nioPosix, .nioHTTP1, .nioConcurrencyHelpers, .httpClient, .hummingbird, .hummingbirdCore,
                .httpTypes,
                .nioHTTPTypes, .serviceLifecycle, .unixSignals, .logging, .asyncAlgorithms,
            ]),
        stage("DTMLauncher", ["DTMCore", "DTMSecrets", "DTMPlan", "CDTMLinux"]),

        // Surfaces.
        stage(
            "DTMAPI",
            ["DTMCore", "DTMSecrets", "CDTMLinux", .httpClient, .nioCore, .nioPosix, .nioHTTP1, .nioConcurrencyHelpers]),
        stage("DTMText", ["DTMCore"]),
        // What `dtm redteam` runs: attacks on this machine's own DTM, and what they are measured against.
        stage(
            "DTMRedteam",
            [
                "DTMCore", "DTMSecrets", "DTMAPI", "DTMTunnel", "DTMCertificates", "CDTMLinux", .nioCore, .nioPosix,
                .nioSSL,
            ]),
        stage("DTMTerminalUI", ["DTMCore", "DTMSecrets", "DTMAPI", "DTMText", "CNcurses", "CDTMLinux"]),
        stage(
            "DTMCommands",
            [
                "DTMCore", "DTMSecrets", "DTMAPI", "DTMText", "DTMConfiguration", "DTMDoctor", "DTMState",
                "DTMAnalysis", "DTMRedteam",
                .argumentParser, .unixSignals,
            ]),
        .executableTarget(
            name: "dtm",
            dependencies: [
                "DTMCore", "DTMCommands", "DTMTerminalUI", "DTMText", "DTMAPI", "DTMConnector", "DTMDataPlane",
                "DTMLauncher", "DTMManager",
                "DTMPlan", "DTMRedteam", "DTMState",
                "DTMSecrets", .argumentParser,
            ],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "dtm-bench",
            dependencies: [
                "DTMCore", "DTMAnalysis", "DTMDiscovery", "DTMSecrets", "DTMState", "DTMTunnel", "DTMCertificates",
                .crypto,
                .nioCore, .nioPosix, .nioTLS, .nioSSL, .nioEmbedded, .x509, .asn1, .argumentParser,
            ],
            path: "Benchmarks/DTMBenchmark",
            swiftSettings: swiftSettings),

        .target(
            name: "DTMTestSupport", dependencies: ["DTMCore"], path: "Tests/Support/DTMTestSupport",
            swiftSettings: swiftSettings),
        .target(name: "CDTMTestSupport", path: "Tests/Support/CDTMTestSupport"),
        tests("PackageTests"),
        tests(
            "ProcessTests",
            [
                "DTMTestSupport", "CDTMTestSupport", "DTMCore", "DTMAPI", "DTMSecrets", "DTMState", "DTMModels",
                "CDTMLinux",
            ]),
        tests(
            "DTMManagerTests",
            [
                "DTMManager", "DTMCore", "DTMSecrets", "DTMPlan", "DTMAPI", "DTMConfiguration", "DTMCertificates",
                "DTMDiscovery", "DTMPolicy", "DTMTelemetry", "DTMDoctor", "DTMTunnel", "DTMConnector", "DTMState",
                "DTMAnalysis", "DTMModels", "DTMResponse", "DTMNotify", "DTMTestSupport",
                .nioCore,
                .nioPosix,
                .httpClient,
                .logging,
            ]),
        tests("DTMLauncherTests", ["DTMLauncher"]),
        tests("DTMDoctorTests", ["DTMTestSupport", "DTMDoctor", "DTMCore"]),
        tests("DTMCoreTests", ["DTMTestSupport", "DTMCore"]),
        tests("DTMSecretsTests", ["DTMSecrets", "DTMCore", "CSodium"]),
        tests(
            "DTMStateTests", ["DTMTestSupport", "DTMState", "DTMCore", "DTMSecrets", "CRNP", "CSodium", "CDTMLinux"]),
        tests(
            "DTMCertificatesTests",
            ["DTMTestSupport", "DTMCertificates", "DTMCore", "DTMSecrets", .x509, .asn1, .crypto]),
        tests("DTMConfigurationTests", ["DTMTestSupport", "DTMConfiguration", "DTMCore"]),
        tests(
            "DTMTunnelTests",
            [
                "DTMTestSupport", "DTMTunnel", "DTMCore", "DTMSecrets", "DTMCertificates", .nioCore, .nioPosix, .nioSSL,
                .nioConcurrencyHelpers,
            ]),
        tests("DTMPlanTests", ["DTMTestSupport", "DTMPlan", "DTMCore", "DTMSecrets", "CDTMLinux"]),
        tests(
            "DTMDataPlaneTests",
            [
                "DTMTestSupport", "DTMDataPlane", "DTMTunnel", "DTMPlan", "DTMCore", "DTMSecrets", "DTMCertificates",
                "CDTMLinux",
                .nioCore,
                .nioPosix, .nioSSL, .nioConcurrencyHelpers,
            ]),
        tests(
            "DTMConnectorTests",
            [
                "DTMConnector", "DTMTunnel", "DTMAPI", "DTMCertificates", "DTMCore", "DTMSecrets", "CDTMLinux",
                .nioCore,
                .nioPosix, .nioConcurrencyHelpers,
            ]),
        tests(
            "DTMAPITests",
            [
                "DTMTestSupport", "DTMAPI", "DTMCore", "DTMSecrets", .nioCore, .nioPosix, .nioHTTP1,
                .nioConcurrencyHelpers,
            ]),
        tests("DTMTelemetryTests", ["DTMTestSupport", "DTMTelemetry", "DTMCore", .logging]),
        tests("DTMDiscoveryTests", ["DTMTestSupport", "DTMDiscovery", "DTMCore", "CDTMLinux", .crypto]),
        tests("DTMAnalysisTests", ["DTMTestSupport", "DTMAnalysis", "DTMCore"]),
        tests(
            "DTMModelsTests",
            ["DTMTestSupport", "DTMModels", "DTMCore", "DTMSecrets", .nioCore, .nioPosix, .nioHTTP1]),
        tests("DTMPolicyTests", ["DTMTestSupport", "DTMPolicy", "DTMCore"]),
        tests("DTMResponseTests", ["DTMTestSupport", "DTMResponse", "DTMCore"]),
        tests("DTMNotifyTests", ["DTMTestSupport", "DTMNotify", "DTMCore", "DTMSecrets"]),
        tests("DTMTextTests", ["DTMTestSupport", "DTMText", "DTMCore"]),
        tests("DTMRedteamTests", ["DTMRedteam", "DTMAPI", "DTMCore", "DTMTunnel"]),
        .testTarget(
            name: "DTMTerminalUITests",
            dependencies: ["DTMTestSupport", "DTMTerminalUI", "DTMAPI", "DTMText", "DTMCore"],
            exclude: ["Golden"], swiftSettings: swiftSettings),
        tests(
            "DTMCommandsTests",
            [
                "DTMTestSupport", "DTMCommands", "DTMAPI", "DTMText", "DTMConfiguration", "DTMCore", "DTMDoctor",
                "DTMAnalysis", "DTMRedteam",
                .argumentParser,
            ]),
        .testTarget(
            name: "dtmTests", dependencies: ["DTMTestSupport", "dtm", .argumentParser], exclude: ["Snapshots"],
            swiftSettings: swiftSettings),
    ]
)
