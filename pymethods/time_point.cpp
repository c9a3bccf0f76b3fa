/// datetime ↔ std::chrono::system_clock. With the GIL held.
#include "cpython.h"

#include <datetime.h>

#include <ophion/convert.h>

#include "call.h"

namespace ophion::detail {
namespace {

using namespace std::chrono;

void ensure_datetime() {
  if (!PyDateTimeAPI) PyDateTime_IMPORT;
  if (!PyDateTimeAPI) throw_python_error("importing datetime");
}

/// The same moment in UTC; a naive datetime is local time to Python.
PyRef to_utc(PyObject* time, const Place& place) {
  static Name to_zone("astimezone");
  return call_method(time, to_zone, {PyDateTime_TimeZone_UTC}, "converting " + place.text());
}

}  // namespace

Object make_time(system_clock::time_point time) {
  ensure_datetime();
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<microseconds> clock(floor<microseconds>(time) - day);
  return to_object(check(
      PyDateTimeAPI->DateTime_FromDateAndTime(int{date.year()}, static_cast<int>(unsigned{date.month()}), static_cast<int>(unsigned{date.day()}),
                                              static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                                              static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()),
                                              PyDateTime_TimeZone_UTC, PyDateTimeAPI->DateTimeType),
      "making a datetime"));
}

system_clock::time_point take_time(_object* object, const Place& place) {
  ensure_datetime();
  if (!PyDateTime_Check(object)) place.refuse("datetime", object);
  const PyRef utc = to_utc(object, place);
  PyObject* moment = utc.get();
  const sys_days day = year(PyDateTime_GET_YEAR(moment)) / PyDateTime_GET_MONTH(moment) / PyDateTime_GET_DAY(moment);
  const sys_time<microseconds> time = day + hours(PyDateTime_DATE_GET_HOUR(moment)) + minutes(PyDateTime_DATE_GET_MINUTE(moment)) +
                                      seconds(PyDateTime_DATE_GET_SECOND(moment)) + microseconds(PyDateTime_DATE_GET_MICROSECOND(moment));
  constexpr auto first = ceil<microseconds>(system_clock::time_point::min());
  constexpr auto last = floor<microseconds>(system_clock::time_point::max());
  if (time < first || time > last) {
    place.refuse("datetime of the years 1678 to 2261", from_text(check(PyObject_Str(object), "writing a datetime").get(), "writing a datetime"));
  }
  return time_point_cast<system_clock::duration>(time);
}

}  // namespace ophion::detail
