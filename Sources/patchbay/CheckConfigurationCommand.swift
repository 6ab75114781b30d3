import ArgumentParser
import PatchbayConfiguration

struct CheckConfigurationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config", abstract: "Check a configuration file without starting anything.")

    @Argument(help: "The configuration file.")
    var file: String

    func run() throws {
        do {
            _ = try ConfigurationFile.load(path: file, environment: Environment.all)
            print("\(file): valid")
        } catch {
            for problem in error.problems { StandardError.write("\(problem)") }
            throw ExitCode(1)
        }
    }
}
