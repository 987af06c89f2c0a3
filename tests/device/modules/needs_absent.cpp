extern "C" int absent_answer();
extern "C" int needed_answer() { return absent_answer(); }
