// Line charts for HTML pages, as inline SVG without scripts. The style sheet of the page (report_style.h)
// gives colours and sizes.
#pragma once

#include <string>

#include "tasks/report/chart.h"

namespace gradus {

// The chart, and a legend of the series that have names. Points that are not finite are left out, a series of
// one point is a dot; empty when no point is left.
std::string chart_html(const Chart& chart);

}  // namespace gradus
