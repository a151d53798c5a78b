// get_distribute_pretrain_cmd: writes the script that pretrains on several processes and machines.
#include <filesystem>
#include <map>

#include "core/counted.h"
#include "core/error.h"
#include "core/io/files.h"
#include "tasks/launch/hosts.h"
#include "tasks/launch/ini_file.h"
#include "tasks/launch/launch_script.h"
#include "tasks/main.h"
#include "tasks/options/options.h"
#include "tasks/pretraining/options.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

constexpr const char* purpose =
    R"(Writes a shell script that starts run_pretrain by mpirun on several processes and machines, with the settings of an
ini file: a section [config] with lines KEY = VALUE, which become flags. Comments are lines that begin with # or ;.)";
constexpr const char* example =
    R"(get_distribute_pretrain_cmd --hyper_parameter_config_dir hyper_parameter_config.ini --data_dir records/ \
                              --hostfile hosts.txt --cmd_file distributed_cmd.sh
  sh distributed_cmd.sh --resume auto)";

constexpr const char* needless = "accepted for the sake of other systems' settings: {}";

struct Settings {
  std::string ini, data_dir, host_file, rank_table, program, cmd_file = "distributed_cmd.sh";
  int64_t cores_per_process = 0;
  // Accepted, and without effect.
  std::string run_script_dir, hccn_config_file = "/etc/hccn.conf";
  int64_t hccl_time_out = 120;

  void declare(Options& options) {
    options.group("What to start");
    options
        .add("hyper_parameter_config_dir", ini,
             "ini file with flags of run_pretrain; config_path names a YAML file in it")
        .file()
        .alias("hyper_parameter_config");
    options.add("data_dir", data_dir, "records to train on, the same path on all hosts").folder();
    options
        .add("program", program,
             "what is started, the same path on all hosts; run_pretrain beside this program")
        .file();
    options.add("cmd_file", cmd_file, "script to write").file();
    options.group("Where");
    options
        .add("hostfile", host_file,
             "hosts as in Open MPI's file: NAME or NAME slots=N a line, N processes on it, or else one")
        .file();
    options
        .add("hccl_config_dir", rank_table,
             "hosts of a table of ranks (hccl.json) instead: a process for each device in it")
        .file()
        .alias("hccl_config");
    options
        .add("cores_per_process", cores_per_process,
             "cores that each process is bound to, and its --threads; 0: a host's processes share its cores")
        .between(0, 4096);
    options.group("Not needed here");
    options
        .add("run_script_dir", run_script_dir, fmt::format(needless, "the script starts the program itself"))
        .folder();
    options.add("hccl_time_out", hccl_time_out, fmt::format(needless, "run_pretrain has --timeout_s"))
        .at_least(0);
    options
        .add("hccn_config_file", hccn_config_file,
             fmt::format(needless, "processes find each other through mpirun"))
        .file();
  }

  void finish() {
    check(!ini.empty(), "--hyper_parameter_config_dir is missing");
    check(host_file.empty() != rank_table.empty(),
          "expected one of --hostfile and --hccl_config_dir, found {}", host_file.empty() ? "none" : "both");
    check(!cmd_file.empty(), "--cmd_file is empty: expected the script to write");
    if (!program.empty()) return;
    program = (fs::read_symlink("/proc/self/exe").parent_path() / "run_pretrain").string();
    check(fs::exists(program), "there is no {}: expected --program", program);
  }

  std::vector<Host> hosts() const {
    return host_file.empty() ? read_rank_table(rank_table) : read_host_file(host_file);
  }
};

// The flags of the ini file, each checked as run_pretrain itself would.
class Flags {
 public:
  explicit Flags(const std::string& ini) : ini_(ini) {
    pretrain_.declare(options_);
    for (const IniEntry& entry : read_ini(ini, "config")) take(entry);
  }

  // Whether the file gives the option, under any of its names.
  bool has(const std::string& name) const { return lines_.contains(name); }
  // The passes over the data, as far as is known here.
  std::string epochs() const {
    if (has("epoch_num") || !has("config_path")) return std::to_string(pretrain_.train.epoch_num);
    return "as in config_path";
  }
  const auto& values() const { return values_; }

 private:
  void take(const IniEntry& entry) {
    const std::string where = fmt::format("{}:{}", ini_, entry.line);
    const auto refuse = [&](const char* expected) {
      fail("{}: found '{}': expected {}", where, entry.key, expected);
    };
    if (entry.key == "device_id" || entry.key == "device_num")
      refuse("no such key: hosts say how many processes there are");
    const std::string word = fmt::format("--{}={}", entry.key, entry.value);
    // The file that is named need not be on this machine.
    if (entry.key != "config_path") {
      try {
        const char* const words[] = {"", word.c_str()};
        options_.parse(2, words);
      } catch (const Error& error) {
        fail("{}: {}", where, error.what());
      }
    }
    const Option& option = options_.option(entry.key);
    if (option.name() == "train_data_file_path") refuse("it on the command line, as --data_dir");
    const auto [earlier, is_new] = lines_.emplace(option.name(), entry.line);
    check(is_new, "{}: '{}' is another name for what line {} gives", where, entry.key, earlier->second);
    if (option.name() == "distribute") {
      check(option.value() == "true",
            "{}: found distribute {}: expected true, which it is without such a line", where, entry.value);
      return;  // said anyway
    }
    values_.emplace_back(entry.key, entry.value);
  }

  std::string ini_;
  PretrainOptions pretrain_;
  Options options_{"run_pretrain", "", ""};
  std::map<std::string, int> lines_;
  std::vector<std::pair<std::string, std::string>> values_;
};

void write_script(const std::string& path, const std::string& text) {
  replace_file(path, text);
  if (!fs::is_regular_file(path)) return;
  // Whoever may read it may run it.
  const auto readers = fs::status(path).permissions() & static_cast<fs::perms>(0444);
  fs::permissions(path, static_cast<fs::perms>(static_cast<unsigned>(readers) >> 2), fs::perm_options::add);
}

int run(int argc, char** argv) {
  Settings settings;
  Options options("get_distribute_pretrain_cmd", purpose, example);
  settings.declare(options);
  if (!options.parse(argc, argv)) return 0;
  settings.finish();
  options.print_effective(stdout);

  const Flags flags(settings.ini);
  const bool has_text = flags.has("input_file");
  check(has_text || !settings.data_dir.empty(), "--data_dir is missing");
  check(!has_text || settings.data_dir.empty(),
        "--data_dir {} and input_file in {}: expected records or text, not both", settings.data_dir,
        settings.ini);
  Launch launch{settings.hosts(), settings.cores_per_process, settings.program, {}};
  if (!settings.data_dir.empty()) launch.flags.emplace_back("data_dir", settings.data_dir);
  if (settings.cores_per_process > 0 && !flags.has("threads"))
    launch.flags.emplace_back("threads", std::to_string(settings.cores_per_process));
  launch.flags.insert(launch.flags.end(), flags.values().begin(), flags.values().end());
  write_script(settings.cmd_file, launch_script(launch));

  for (const Host& host : launch.hosts) print_result("processes on {}: {}\n", host.name, host.processes);
  print_result("epoch_size: {}\n", flags.epochs());
  if (!has_text) print_result("data_dir: {}\n", settings.data_dir);
  print_result("wrote {}: {}, hosts: {}\n", settings.cmd_file,
               counted(process_count(launch.hosts), "process", "processes"), launch.hosts.size());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
