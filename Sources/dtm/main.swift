import DTMCommands
import DTMSecrets
import DTMTerminalUI

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
case .console(let command):
    ProcessHardening.setName("dtm-ui")
    ProcessHardening.apply()
    // Blocked in this thread before there is another, so that they come to the console alone.
    let signals = ConsoleSignals()
    exitProcess(await command.show(signals))
case .redteam(let command):
    ProcessHardening.setName("dtm-redteam")
    // A namespace is entered by a process of one thread, before it gives up being dumpable: user_namespaces(7).
    let network = command.prepare()
    ProcessHardening.apply()
    exitProcess(await command.run(in: network))
case .attacker:
    ProcessHardening.setName("dtm-attacker")
    exitProcess(runAttacker())
case .command(let holdsSecrets):
    ProcessHardening.setName("dtm")
    if holdsSecrets { ProcessHardening.applyToCommand() }
    await runCommand()
}
