// get_distribute_pretrain_cmd: what it reads, the script that it writes, and a training that the script starts.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <filesystem>

#include "tests/json.h"
#include "tests/tasks/tiny_pretraining.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

constexpr const char* program = "get_distribute_pretrain_cmd";

// The keys of the original's file.
constexpr const char* usual_ini = R"([config]
distribute=true
epoch_size=40
enable_save_ckpt=true
do_shuffle=true
enable_data_sink=true
data_sink_steps=100
accumulation_steps=1
allreduce_post_accumulation=true
save_checkpoint_path=./
save_checkpoint_num=1
config_path=../../pretrain_config.yaml
)";

// Hosts and ranks, two devices each, as the tool that makes such tables writes them.
std::string rank_table(const std::vector<std::pair<std::string, std::vector<std::string>>>& servers) {
  Json list = Json::array();
  for (const auto& [id, ranks] : servers) {
    Json devices = Json::array();
    for (const std::string& rank : ranks)
      devices.push_back({{"device_id", std::to_string(devices.size())},
                         {"device_ip", "192.1.27." + rank},
                         {"rank_id", rank}});
    list.push_back({{"server_id", id}, {"device", devices}, {"host_nic_ip", "reserve"}});
  }
  return json_text({{"version", "1.0"},
                    {"server_count", std::to_string(servers.size())},
                    {"server_list", list},
                    {"status", "completed"}});
}

// A folder with the program's inputs.
struct Inputs {
  TemporaryFolder folder;
  std::string ini = folder.write("hyper.ini", usual_ini), hosts = folder.write("hosts", "a slots=2\nb\n"),
              script = (folder / "cmd.sh").string();

  Words flags(const Words& more = {}) const {
    return joined({"--hyper_parameter_config_dir=" + ini, "--data_dir=records/", "--cmd_file=" + script,
                   "--program=run_pretrain"},
                  more);
  }
  std::string written(const Words& more) const {
    const Outcome outcome = run_program(program, flags(more));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return file_content(script);
  }
  void refuse(const Words& more, const std::string& text) const {
    const Outcome outcome = run_program(program, flags(more));
    CHECK(outcome.status == 2);
    CHECK_MESSAGE(contains(outcome.err, "error: "), outcome.err);
    CHECK_MESSAGE(contains(outcome.err, text), outcome.err);
    CHECK(!fs::exists(script));
  }
  void refuse_ini(const std::string& content, const std::string& text) const {
    write_file(ini, content);
    refuse({"--hostfile=" + hosts}, ini + text);
  }
  void refuse_hosts(const std::string& content, const std::string& text) const {
    write_file(hosts, content);
    refuse({"--hostfile=" + hosts}, hosts + text);
  }
  void refuse_table(const std::string& content, const std::string& text) const {
    const std::string table = folder.write("hccl.json", content);
    refuse({"--hccl_config=" + table}, table + text);
  }
};

}  // namespace

TEST_CASE("launch: the script has the hosts, the data and all values of the ini file") {
  const Inputs inputs;
  const Outcome outcome =
      run_program(program, inputs.flags({"--hostfile=" + inputs.hosts, "--run_script_dir=scripts/run.sh",
                                         "--hccl_time_out=600", "--hccn_config_file=/etc/hccn.conf"}));
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(file_content(inputs.script) == R"(#!/bin/sh
# Written by get_distribute_pretrain_cmd. Arguments are more flags of the program: --resume auto
exec mpirun -n 3 -H a:2,b:1 --map-by slot --bind-to none \
  run_pretrain --distribute=true \
  --data_dir=records/ \
  --epoch_size=40 \
  --enable_save_ckpt=true \
  --do_shuffle=true \
  --enable_data_sink=true \
  --data_sink_steps=100 \
  --accumulation_steps=1 \
  --allreduce_post_accumulation=true \
  --save_checkpoint_path=./ \
  --save_checkpoint_num=1 \
  --config_path=../../pretrain_config.yaml \
  "$@"
)");
  CHECK(contains(outcome.out, "processes on a: 2\nprocesses on b: 1\nepoch_size: 40\ndata_dir: records/\n"));
  CHECK(contains(outcome.out, "wrote " + inputs.script + ": 3 processes, hosts: 2\n"));
  const fs::perms modes = fs::status(inputs.script).permissions();
  CHECK((modes & fs::perms::owner_exec) != fs::perms::none);

  CHECK(contains(inputs.written({"--hostfile=" + inputs.hosts, "--cores_per_process=4"}),
                 "--map-by slot:PE=4 --bind-to core \\\n  run_pretrain --distribute=true \\\n"
                 "  --data_dir=records/ \\\n  --threads=4 \\\n"));
  write_file(inputs.ini, "[config]\nthreads=3\n");
  const std::string bound = inputs.written({"--hostfile=" + inputs.hosts, "--cores_per_process=4"});
  CHECK(contains(bound, "--threads=3"));
  CHECK(!contains(bound, "--threads=4"));
  write_file(inputs.ini, "[config]\ninput_file=wiki/\n");
  CHECK(!contains(inputs.written({"--hostfile=" + inputs.hosts, "--data_dir="}), "data_dir"));
  // The program beside it, where none is named.
  CHECK(contains(inputs.written({"--hostfile=" + inputs.hosts, "--data_dir=", "--program="}),
                 fs::canonical(command_of("run_pretrain", {})[0]).string()));
}

TEST_CASE("launch: an ini file is read as Python's configparser does") {
  const Inputs inputs;
  write_file(
      inputs.ini,
      "# first\r\n\r\n[config]\r\n  ; a comment\n  Epoch_Size : 3 \n save_checkpoint_path = a = b # c\n"
      "eval_data_dir=100%%\noutput_dir=");
  CHECK(contains(inputs.written({"--hostfile=" + inputs.hosts}),
                 "  --epoch_size=3 \\\n  --save_checkpoint_path='a = b # c' \\\n  --eval_data_dir=100% \\\n"
                 "  --output_dir= \\\n"));
  CHECK(contains(inputs.written({"--hostfile=" + inputs.hosts}), "-n 3"));
}

TEST_CASE("launch: words keep their blanks, quotes and signs in the shell") {
  const Inputs inputs;
  const std::string odd = "it's a \"$HOME\" `x` \\ *;&|<>(){}[]!?~#\ttab\xC3\xA9";
  write_file(inputs.ini, "[config]\nsave_checkpoint_path = " + odd + "\n");
  const std::string launcher =
      inputs.folder.write("mpirun", "#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done\n");
  fs::permissions(launcher, fs::perms::owner_exec, fs::perm_options::add);
  inputs.written({"--hostfile=" + inputs.hosts, "--data_dir=" + odd, "--program=/my 'own'/run pretrain"});
  const Outcome outcome = Process({"/bin/sh", "-c",
                                   fmt::format("PATH='{}':$PATH exec '{}' --resume 'a b'",
                                               inputs.folder.path().string(), inputs.script)},
                                  "")
                              .wait();
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(lines_of(outcome.out) == Words{"-n", "3", "-H", "a:2,b:1", "--map-by", "slot", "--bind-to", "none",
                                       "/my 'own'/run pretrain", "--distribute=true", "--data_dir=" + odd,
                                       "--save_checkpoint_path=" + odd, "--resume", "a b"});
}

TEST_CASE("launch: hosts come from a host file or a table of ranks") {
  const Inputs inputs;
  const auto hosts_of = [&](const Words& more) {
    const std::string script = inputs.written(more);
    const size_t begin = script.find("-n "), end = script.find(" --map-by");
    REQUIRE(end != std::string::npos);
    return script.substr(begin, end - begin);
  };
  write_file(inputs.hosts,
             "# ours\n\n  node-1.example  slots = 8 max_slots=16 # fast\n10.0.0.7\nlocalhost slots=1");
  CHECK(hosts_of({"--hostfile=" + inputs.hosts}) == "-n 10 -H node-1.example:8,10.0.0.7:1,localhost:1");

  const std::string one = inputs.folder.write("one.json", rank_table({{"10.0.0.1", {"0", "1", "2"}}}));
  CHECK(hosts_of({"--hccl_config=" + one}) == "-n 3 -H 10.0.0.1:3");
  // The host with rank 0 comes first.
  const std::string two =
      inputs.folder.write("two.json", rank_table({{"10.0.0.2", {"3", "2"}}, {"10.0.0.1", {"0", "1"}}}));
  CHECK(hosts_of({"--hccl_config_dir=" + two}) == "-n 4 -H 10.0.0.1:2,10.0.0.2:2");
  const std::string numbers = inputs.folder.write(
      "numbers.json", R"({"server_list": [{"server_id": "a", "device": [{"rank_id": 0}, {"rank_id": 1}]}]})");
  CHECK(hosts_of({"--hccl_config=" + numbers}) == "-n 2 -H a:2");
}

TEST_CASE("launch: mistakes on the command line and in the ini file") {
  const Inputs inputs;
  const std::string host_file = "--hostfile=" + inputs.hosts;
  inputs.refuse({}, "expected one of --hostfile and --hccl_config_dir, found none");
  inputs.refuse({host_file, "--hccl_config=x.json"}, "found both");
  inputs.refuse({host_file, "--data_dir="}, "--data_dir is missing");
  inputs.refuse({host_file, "--hyper_parameter_config_dir="}, "--hyper_parameter_config_dir is missing");
  inputs.refuse({"--hostfile=" + inputs.hosts + "2"}, inputs.hosts + "2");
  inputs.refuse({host_file, "--hyper_parameter_config_dir=" + inputs.folder.path().string()},
                inputs.folder.path().string());

  for (const auto& [content, text] : std::vector<std::pair<std::string, std::string>>{
           {"", ": found no section: expected [config]"},
           {"# nothing\n", ": found no section"},
           {"epoch_size=3\n[config]\n",
            ":1: found 'epoch_size=3' in no section: expected [config] before it"},
           {"\n[other]\n", ":2: found [other]: expected [config] and no other section"},
           {"[config]\n[config]\n", ":2: [config] is given twice: first in line 1"},
           {"[config]\nepoch_size=3\n\nEPOCH_SIZE=4\n", ":4: 'epoch_size' is given twice: first in line 2"},
           {"[config]\nepoch_size=3\nepoch_num=4\n", ":3: 'epoch_num' is another name for what line 2 gives"},
           {"[config]\nepoch_size\n", ":2: found 'epoch_size': expected KEY = VALUE"},
           {"[config]\n=3\n", ":2: found '=3': expected KEY = VALUE"},
           {"[config]\nsave_checkpoint_path=a\n  b\n", ":3: found 'b' further to the right"},
           {"[config]\nsave_checkpoint_path=%(home)s\n", ":2: found '%(home)s': expected %% for a percent"},
           {"[config]\nsave_checkpoint_path=5%\n", ":2: found '5%'"},
           {"[config]\ndevice_id=0\n", ":2: found 'device_id': expected no such key"},
           {"[config]\nepoch_size=1\ndevice_num=8\n", ":3: found 'device_num': expected no such key"},
           {"[config]\ndata_dir=x\n", ":2: found 'data_dir': expected it on the command line, as --data_dir"},
           {"[config]\ntrain_data_file_path=x\n", ":2: found 'train_data_file_path': expected it on the"},
           {"[config]\ndistribute=false\n", ":2: found distribute false: expected true"},
           {"[config]\nepoch_sise=3\n", ":2: unknown option '--epoch_sise=3': did you mean --epoch_size?"},
           {"[config]\nepoch_size=many\n", ":2: --epoch_size: found 'many'"},
           {std::string("[config]\n\0\n", 11), ""}}) {
    CAPTURE(content);
    inputs.refuse_ini(content, text);
  }
  write_file(inputs.ini, "[config]\ninput_file=wiki/\n");
  inputs.refuse({host_file}, "expected records or text, not both");
}

TEST_CASE("launch: mistakes in the files that name hosts") {
  const Inputs inputs;
  for (const auto& [content, text] : std::vector<std::pair<std::string, std::string>>{
           {"", ": found no host: expected one a line"},
           {"# a\n", ": found no host"},
           {"a slots=2\nb slots=x\n", ":2: found slots=x: expected a whole number from 1 to "},
           {"a slots=0\n", ":1: found slots=0: expected a whole number from 1 to "},
           {"a slots=99999\n", ":1: found slots=99999: expected"},
           {"a slots=\n", ":1: found slots=: expected"},
           {"a slots 2\n", ":1: found 'slots' behind the host: expected slots=N"},
           {"a cores=2\n", ":1: found 'cores' behind the host: expected slots=N"},
           {"a\nb\na slots=2\n", ":3: found host 'a' again"},
           {"a:2\n", ":1: found 'a:2': expected the name of a host"},
           {"-x\n", ":1: found '-x': expected the name of a host"}}) {
    CAPTURE(content);
    inputs.refuse_hosts(content, text);
  }
  const auto table = [](const std::string& id, const Words& ranks) { return rank_table({{id, ranks}}); };
  for (const auto& [content, text] : std::vector<std::pair<std::string, std::string>>{
           {"{", ""},
           {"[]", ": the JSON is [], expected an object"},
           {"{}", ": 'server_list' is missing"},
           {R"({"server_list": []})", ": 'server_list' is [], expected a list of one or more hosts"},
           {R"({"server_list": [{"device": []}]})", ": 'server_list[0].server_id' is missing"},
           {R"({"server_list": [{"server_id": "a", "device": []}]})",
            ": 'server_list[0].device' is [], expected a list of one or more devices"},
           {R"({"server_list": [{"server_id": "a", "device": [{"device_id": "0"}]}]})",
            ": 'server_list[0].device[0].rank_id' is missing"},
           {table("fe80::1", {"0"}),
            ": 'server_list[0].server_id' is \"fe80::1\", expected the name of a host, or its IPv4 address"},
           {rank_table({{"a", {"0"}}, {"a", {"1"}}}),
            ": 'server_list[1].server_id' is \"a\", expected a host that is not in the list yet"},
           {table("a", {"0", "one"}), ": 'server_list[0].device[1].rank_id' is \"one\", expected a rank"},
           {table("a", {"-1"}), ": 'server_list[0].device[0].rank_id' is \"-1\", expected a rank"},
           {rank_table({{"a", {"0", "1"}}, {"b", {"1", "2"}}}),
            ": 'server_list[1].device[0].rank_id' is \"1\", expected a rank that no other device has"},
           {rank_table({{"a", {"0", "1"}}, {"b", {"3", "4"}}}),
            ": 'server_list[1].device[1].rank_id' is \"4\", expected ranks from 0 to 3 without holes"},
           {table("a", {"1"}), ": 'server_list[0].device[0].rank_id' is \"1\", expected ranks from 0 to 0"},
           {replaced(table("a", {"0"}), "completed", "initializing"),
            ": 'status' is \"initializing\", expected \"completed\""},
           {replaced(table("a", {"0"}), R"("server_count":"1")", R"("server_count":"2")"),
            ": 'server_count' is \"2\", expected 1, as server_list has"}}) {
    CAPTURE(content);
    inputs.refuse_table(content, text);
  }
}

TEST_CASE("launch: the script trains one model, and goes on with it") {
  if (mpirun().empty()) return;
  const TinyPretraining tiny;
  const std::string ini =
      tiny.write("hyper.ini", fmt::format(R"([config]
distribute = true
epoch_size = 2
enable_save_ckpt = true
do_shuffle = true
enable_data_sink = true
data_sink_steps = 100
accumulation_steps = 1
allreduce_post_accumulation = true
save_checkpoint_num = 1
config_path = {}
batch_size = 4
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
seq_length = 24
vocab_file_path = {}
save_checkpoint_path = {}
threads = 1
)",
                                          tiny.write("config.yaml", "dropout: 0\nepoch_size: 7\n"),
                                          tiny.path("vocab.txt"), tiny.path("my save")));
  const std::string hosts = tiny.write("hosts", "localhost slots=2\n"), script = tiny.path("cmd.sh");
  const Outcome made =
      run_program(program, {"--hyper_parameter_config_dir=" + ini, "--hostfile=" + hosts,
                            "--data_dir=" + tiny.path("train.mindrecord"), "--cmd_file=" + script});
  REQUIRE_MESSAGE(made.status == 0, made.err);
  const auto run_script = [&](const Words& flags) {
    const Outcome outcome = Process(letting_root(joined({script}, flags)), "").wait();
    REQUIRE_MESSAGE(outcome.status == 0, outcome.out, outcome.err);
    return outcome.out;
  };
  const std::string log = run_script({"--max_steps=2"});
  CHECK(contains(log, "training on 2 processes"));
  CHECK(contains(log, "config.yaml:1)"));
  CHECK(!contains(log, "config.yaml:2)"));  // the ini file says otherwise
  CHECK(fs::exists(tiny.path("my save/checkpoint-2/model.safetensors")));
  CHECK(contains(run_script({"--max_steps=3", "--resume", "auto"}), "resuming from "));
  CHECK(fs::exists(tiny.path("my save/checkpoint-3/model.safetensors")));
}
