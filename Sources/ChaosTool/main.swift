import Foundation

// Nodes and healers may end while we write to them: that is an error of the write, not our end.
signal(SIGPIPE, SIG_IGN)
let status = await CommandTable.run(Array(CommandLine.arguments.dropFirst()))
exit(status == ExitCode.success && Console.lostOutput ? ExitCode.failure : status)
