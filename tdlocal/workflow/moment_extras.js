// Calls of moment 2.21 (Digdag's) that 2.8.4 lacks and that are plain sums of what it has.
(function (moment) {
  function unix(value, unit, end) {
    var copy = moment(value).clone();
    return +(unit && unit !== "ms" ? (end ? copy.endOf(unit) : copy.startOf(unit)) : copy);
  }
  var made = moment.fn;
  made.isSameOrAfter = made.isSameOrAfter || function (other, unit) {
    return this.isSame(other, unit) || this.isAfter(other, unit);
  };
  made.isSameOrBefore = made.isSameOrBefore || function (other, unit) {
    return this.isSame(other, unit) || this.isBefore(other, unit);
  };
  made.isBetween = made.isBetween || function (from, to, unit, ends) {
    ends = ends || "()";
    var after = ends.charAt(0) === "(" ? +this > unix(from, unit, true) : +this >= unix(from, unit, false);
    var before = ends.charAt(1) === ")" ? +this < unix(to, unit, false) : +this <= unix(to, unit, true);
    return after && before;
  };
  made.toObject = made.toObject || function () {
    return { years: this.year(), months: this.month(), date: this.date(), hours: this.hours(),
      minutes: this.minutes(), seconds: this.seconds(), milliseconds: this.milliseconds() };
  };
  moment.isDate = moment.isDate || function (value) { return Object.prototype.toString.call(value) === "[object Date]"; };
  moment.now = moment.now || function () { return +new Date(); };
})(moment);
