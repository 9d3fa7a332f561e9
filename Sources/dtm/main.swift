import DTMSecrets

// The order matters, so it stands in this one place: a role takes its measures while this process still has one thread
// and has read no secret. The first `await` ends that.
switch ProgramRole(arguments: CommandLine.arguments) {
case .dataPlane:
    ProcessHardening.setName("dtm-dataplane")
    ProcessHardening.apply()
    exitProcess(runDataPlane())
case .control(let arguments):
    ProcessHardening.setName("dtm-control")
    ProcessHardening.apply()
    exitProcess(await runControl(arguments))
case .launcher(let command):
    exitProcess(command.launch())
case .command(let holdsSecrets):
    ProcessHardening.setName("dtm")
    if holdsSecrets { ProcessHardening.applyToCommand() }
    await runCommand()
}
