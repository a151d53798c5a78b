#include "tasks/gradus.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/version.h"
#include "data/unicode.h"
#include "tasks/json_model.h"

using namespace gradus;

// What a caller holds of a model. It stays when the model is closed, so that no other model gets its address, and who uses it
// again learns that.
struct gradus_model {
  std::string folder;
  const char* task;
  std::unique_ptr<JsonModel> model;  // null: closed
};

namespace {

// All that were opened, and who may change that. They live until the program ends, as the backends do that they compute on.
struct Handles {
  std::mutex mutex;
  std::vector<std::unique_ptr<gradus_model>> all;
};

Handles& handles() {
  static Handles& made = *new Handles;
  return made;
}

// Held by who opens, asks or closes.
std::mutex& computing() {
  static std::mutex& made = *new std::mutex;
  return made;
}

// The handle, which may be closed; null when it is none.
gradus_model* known(const gradus_model* handle) {
  const std::lock_guard lock(handles().mutex);
  const auto found = std::ranges::find(handles().all, handle, &std::unique_ptr<gradus_model>::get);
  return found == handles().all.end() ? nullptr : found->get();
}

// A text for the caller; null where there is no memory for it.
char* text_of(std::string_view text) noexcept {
  char* const copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

// What work() returns. What it throws ends here: it becomes the error of a caller that knows no exceptions.
template <typename Work>
auto guarded(char** error, const Work& work) noexcept -> decltype(work()) {
  if (error != nullptr) *error = nullptr;
  const auto tell = [error](std::string_view what) noexcept {
    if (error == nullptr) return;
    try {
      // A path may be no UTF-8.
      *error = text_of(utf8_fault(what).empty() ? std::string(what) : shown(what));
    } catch (const std::bad_alloc&) {
      *error = text_of(what);
    }
  };
  try {
    return work();
  } catch (const std::bad_alloc&) {
    tell("not enough memory");
  } catch (const std::exception& e) {
    tell(e.what());
  } catch (...) {
    tell("an exception of an unknown kind");
  }
  return nullptr;
}

// What a model answers, while no other computes. `task`: the one it has to be of; null: any.
template <typename Answer>
char* ask(const gradus_model* handle, const char* function, const char* task, char** error,
          const Answer& answer) {
  return guarded(error, [&]() -> char* {
    check(handle != nullptr, "{}: the model is NULL, expected one of gradus_open", function);
    const gradus_model* const model = known(handle);
    check(model != nullptr, "{}: the model is none of gradus_open", function);
    const std::lock_guard lock(computing());
    check(model->model != nullptr, "{}: the model of '{}' is closed", function, model->folder);
    const std::string_view found = model->model->task();
    check(task == nullptr || found == task, "{}: the model of '{}' is one to {}, expected one to {}",
          function, model->folder, found, task);
    char* const text = text_of(json_text(answer(*model->model)));
    if (text == nullptr) throw std::bad_alloc();
    return text;
  });
}

// A text that the caller gave.
const char* given(const char* text, const char* function, const char* what) {
  check(text != nullptr, "{}: the {} is NULL, expected a text", function, what);
  return text;
}

}  // namespace

const char* gradus_version(void) { return version().data(); }

gradus_model* gradus_open(const char* folder, const char* options, char** error) {
  return guarded(error, [&]() -> gradus_model* {
    auto opened = std::make_unique<gradus_model>();
    opened->folder = given(folder, "gradus_open", "folder");
    const PipelineOptions asked =
        options == nullptr ? PipelineOptions() : parse_pipeline_options(parse_json(options, "options"));
    const std::lock_guard lock(computing());
    opened->model = std::make_unique<JsonModel>(opened->folder, asked);
    opened->task = opened->model->task();
    const std::lock_guard listing(handles().mutex);
    return handles().all.emplace_back(std::move(opened)).get();
  });
}

const char* gradus_task(const gradus_model* model) {
  return guarded(nullptr, [&]() -> const char* {
    const gradus_model* const found = known(model);
    if (found == nullptr) return nullptr;
    const std::lock_guard lock(handles().mutex);
    return found->task;
  });
}

char* gradus_tag(gradus_model* model, const char* text, char** error) {
  return ask(model, "gradus_tag", "tag", error, [&](const JsonModel& tagger) {
    return tagger.run({.one = true, .texts = {given(text, "gradus_tag", "text")}});
  });
}

char* gradus_classify(gradus_model* model, const char* text, const char* second, char** error) {
  const char* const task = second == nullptr ? "classify" : "classify_pairs";
  return ask(model, "gradus_classify", task, error, [&](const JsonModel& classifier) {
    const std::string first = given(text, "gradus_classify", "text");
    if (second != nullptr) return classifier.run({.one = true, .pairs = {{first, second}}});
    return classifier.run({.one = true, .texts = {first}});
  });
}

char* gradus_answer(gradus_model* model, const char* context, const char* question, char** error) {
  return ask(model, "gradus_answer", "answer", error, [&](const JsonModel& answerer) {
    return answerer.run({.one = true,
                         .texts = {given(question, "gradus_answer", "question")},
                         .context = given(context, "gradus_answer", "context")});
  });
}

char* gradus_run(gradus_model* model, const char* request, char** error) {
  return ask(model, "gradus_run", nullptr, error, [&](const JsonModel& any) {
    return any.run(parse_json(given(request, "gradus_run", "request"), "request"));
  });
}

void gradus_free_text(char* text) { std::free(text); }

void gradus_close(gradus_model* model) {
  guarded(nullptr, [&]() -> void* {
    gradus_model* const found = known(model);
    if (found == nullptr) return nullptr;
    const std::lock_guard lock(computing());
    {
      const std::lock_guard listing(handles().mutex);
      found->task = nullptr;
    }
    found->model.reset();
    return nullptr;
  });
}
