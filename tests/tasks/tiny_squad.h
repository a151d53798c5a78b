// A tiny task for run_squad: where people live, learned in seconds.
#pragma once

#include <functional>

#include "tests/json.h"
#include "tests/tasks/tiny_task.h"

namespace gradus {

// A question of SQuAD's form; an empty answer is none.
Json squad_question(const std::string& id, const std::string& text, const std::string& context,
                    const std::string& answer);
// A file of one article.
Json squad_file(const Json& paragraphs);
// One text for each of four pairs of people, and two questions about it.
Json toy_questions();
// The same, version 2: of every text another question is asked, too, that it does not answer.
Json toy_questions_with_none();

// Changes every question of such a file.
void edit_questions(Json& file, const std::function<void(Json& question)>& edit);

// train.txt has toy_questions(), v2.json toy_questions_with_none().
class TinySquad : public TinyTask {
 public:
  TinySquad();

  // Flags that train a model of hidden size 32 on a file for `epochs` epochs of 2 steps and score it on the same file.
  Words learning(const std::string& data, int epochs, const Words& more = {}) const;
  // Flags that use the model in save.
  Words using_it(const std::string& what, const Words& more = {}) const;

  Json json(const std::string& name) const;
  // Of a checkpoint: what its configuration says of the task.
  Json settings(const std::string& checkpoint) const;
};

}  // namespace gradus
