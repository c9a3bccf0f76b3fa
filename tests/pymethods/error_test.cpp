/// Every kind of Python exception, as C++ sees it.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "pymethods/error.h"

namespace ophion {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing_support::call_function;

class PythonErrors : public testing_support::PythonTest {
 protected:
  /// Calls failing.<function>(), which must throw an E, and gives that. The indicator is clear afterwards.
  template <class E = PythonError>
  static E error_of(const char* function) {
    const Gil gil;
    try {
      call_function("failing", function);
    } catch (const E& error) {
      EXPECT_EQ(PyErr_Occurred(), nullptr);
      return error;
    }
    throw std::logic_error(std::string(function) + " did not fail as expected");
  }
};

TEST_F(PythonErrors, CarryTypeMessageAndTheLineOfTheScript) {
  const PythonError error = error_of("simple");
  EXPECT_EQ(error.type(), "ValueError");
  EXPECT_EQ(error.message(), "expected 4 features, found 3");
  EXPECT_THAT(error.traceback(), HasSubstr("modules/failing.py\", line "));
  EXPECT_THAT(error.traceback(), HasSubstr("raise ValueError(\"expected 4 features, found 3\")"));
  EXPECT_THAT(error.what(), HasSubstr("calling simple"));
  EXPECT_TRUE(error.causes().empty());
}

TEST_F(PythonErrors, CarryTheirCauses) {
  const PythonError error = error_of("chained");
  EXPECT_EQ(error.type(), "RuntimeError");
  ASSERT_EQ(error.causes().size(), 1u);
  EXPECT_EQ(error.causes()[0].type, "ValueError");
  EXPECT_EQ(error.causes()[0].message, "expected 4 features, found 3");
  EXPECT_THAT(error.traceback(), HasSubstr("direct cause of the following exception"));
}

TEST_F(PythonErrors, CarryWhatWasBeingHandled) {
  const PythonError error = error_of("in_context");
  ASSERT_EQ(error.causes().size(), 1u);
  EXPECT_EQ(error.causes()[0].type, "KeyError");
  EXPECT_EQ(error.causes()[0].message, "'missing'");
}

TEST_F(PythonErrors, HaveNoCauseWhenRaisedFromNone) {
  const PythonError error = error_of("without_context");
  EXPECT_TRUE(error.causes().empty());
  EXPECT_THAT(error.traceback(), Not(HasSubstr("expected 4 features")));
}

TEST_F(PythonErrors, ShowWrongSyntaxWithItsPlace) {
  const PythonError error = error_of("wrong_syntax");
  EXPECT_EQ(error.type(), "SyntaxError");
  EXPECT_THAT(error.traceback(), HasSubstr("File \"cut.py\", line 1"));
  EXPECT_THAT(error.traceback(), HasSubstr("^"));
}

TEST_F(PythonErrors, ShowAllOfAGroup) {
  const PythonError error = error_of("group");
  EXPECT_EQ(error.type(), "ExceptionGroup");
  EXPECT_THAT(error.traceback(), HasSubstr("ValueError: one"));
  EXPECT_THAT(error.traceback(), HasSubstr("TypeError: other"));
}

TEST_F(PythonErrors, SurviveWantOfMemory) { EXPECT_EQ(error_of("out_of_memory").type(), "MemoryError"); }

TEST_F(PythonErrors, ShowTheEndOfEndlessRecursionOnly) {
  const PythonError error = error_of("endless");
  EXPECT_EQ(error.type(), "RecursionError");
  EXPECT_LT(error.traceback().size(), 20000u);
}

TEST_F(PythonErrors, SurviveABrokenStr) {
  const PythonError error = error_of("broken_text");
  EXPECT_EQ(error.type(), "failing.Broken");
  EXPECT_EQ(error.message(), "<str() failed>");
}

TEST_F(PythonErrors, EscapeWhatIsNoText) { EXPECT_EQ(error_of("surrogates").message(), "bad \\udcff byte"); }

TEST_F(PythonErrors, ComeFromLibrariesToo) { EXPECT_THAT(error_of("of_numpy").message(), HasSubstr("matmul")); }

TEST_F(PythonErrors, ExitDoesNotEndTheProcess) {
  EXPECT_EQ(error_of("leave").type(), "SystemExit");
  EXPECT_THAT(error_of("leave").message(), HasSubstr("exit with code 0"));
  EXPECT_THAT(error_of("leave_with_code").message(), HasSubstr("exit with code 3"));
  EXPECT_THAT(error_of("leave_with_text").message(), HasSubstr("exit with code 1: bye"));
}

TEST_F(PythonErrors, InterruptionIsAKindOfItsOwn) {
  EXPECT_STREQ(error_of<Interrupted>("interrupted").what(), "calling interrupted: interrupted");
}

TEST_F(PythonErrors, BadDataIsADataError) {
  EXPECT_STREQ(error_of<DataError>("bad_data").what(), "cut.root: column 'pt' is jagged");
}

TEST_F(PythonErrors, ABadOptionIsAConfigErrorWithItsPointer) {
  const ConfigError error = error_of<ConfigError>("bad_option");
  EXPECT_EQ(error.pointer(), "/params/hidden");
  EXPECT_EQ(error.problem(), "expected at least 1, found -3");
}

TEST_F(PythonErrors, NameAMissingModule) {
  const Gil gil;
  try {
    import_module("no_such_module");
    FAIL();
  } catch (const PythonError& error) {
    EXPECT_EQ(error.type(), "ModuleNotFoundError");
    EXPECT_THAT(error.what(), HasSubstr("importing no_such_module"));
  }
}

}  // namespace
}  // namespace ophion
