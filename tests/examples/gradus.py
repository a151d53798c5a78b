"""Gradus from Python: the C interface of its library (gradus.h) by Python's own ctypes.

    with Model("ner_finetune/ckpt/best", threads=2) as model:
        print(model.run(texts=["Anna lives in Paris ."])["results"])

As a program it answers requests on standard input, a JSON object a line:  python3 gradus.py MODEL_FOLDER < requests.jsonl
GRADUS_LIBRARY names the library where the system does not find it."""
import ctypes, json, os, sys
from ctypes import byref, c_char_p, c_void_p

library = ctypes.CDLL(os.environ.get("GRADUS_LIBRARY", "libgradus.so.0"))
# Texts that have to be freed are pointers here: of a c_char_p Python would keep a copy alone.
for name, result, *arguments in (("open", c_void_p, c_char_p, c_char_p, c_void_p), ("task", c_char_p, c_void_p),
                                 ("run", c_void_p, c_void_p, c_char_p, c_void_p), ("close", None, c_void_p),
                                 ("free_text", None, c_void_p)):
    function = getattr(library, "gradus_" + name)
    function.restype, function.argtypes = result, arguments

def called(function, *arguments):
    """What a function returns, where that is not NULL: then its error is raised, as a ValueError."""
    error = c_void_p()
    result = function(*arguments, byref(error))
    if result is None:
        text = ctypes.string_at(error.value).decode() if error else "not enough memory"
        library.gradus_free_text(error)
        raise ValueError(text)
    return result

class Model:
    """The model of a folder, with the options of gradus_open()."""
    def __init__(self, folder, **options):
        self.handle = called(library.gradus_open, os.fsencode(folder), json.dumps(options).encode())
        self.task = library.gradus_task(self.handle).decode()
    def run(self, **request):
        """What the model answers to a request of gradus_run()."""
        answer = called(library.gradus_run, self.handle, json.dumps(request).encode())
        result = json.loads(ctypes.string_at(answer))
        library.gradus_free_text(answer)
        return result
    def __enter__(self):
        return self
    def __exit__(self, *_):
        library.gradus_close(self.handle)

if __name__ == "__main__":
    with Model(sys.argv[1]) as asked:
        for line in sys.stdin:
            print(json.dumps(asked.run(**json.loads(line)), ensure_ascii=False), flush=True)
