"""rb>: Ruby methods with parameters by name, where ruby is installed."""

import shutil

import pytest

from tests.runner.kit import Project

pytestmark = pytest.mark.skipif(shutil.which("ruby") is None, reason="rb> needs ruby, which is not installed")

TASKS = """
require "helper"

def plain(a, b = 2, c: 3, **rest)
  puts "plain #{a} #{b} #{c} #{rest[:session_date]} #{rest[:m][:k]} #{Dir.pwd.end_with?('/project')}"
  Digdag.env.store(stored: {"x" => a})
  Digdag.env.store("more" => Helper::NAME)
end

def none; puts "none #{Digdag.env.params['stored']}"; end

class BadRequest < StandardError; end

module Deep
  class Job
    def initialize(a) = @a = a
    def run(b: 5)
      puts "run #{@a} #{b}"
      Digdag.env.export("exported" => 1)
      Digdag.env.add_subtask(:none)
      Digdag.env.add_subtask(Deep::Job, :again, "a" => 7)
      Digdag.env.add_subtask({"echo>" => "echoed ${exported}"})
    end
    def again = puts("again #{@a}")
    def self.single(opt = "d") = puts("single #{opt}")
    def self.fail = raise(BadRequest, "no way")
    def self.needs(nope) = nope
  end
end
"""


def ruby(project: Project, tasks: str) -> None:
    project.write("lib/tasks.rb", TASKS)
    project.write("helper.rb", "module Helper; NAME = 'h'; end\n")
    project.write("main.dig", "_export: {rb: {require: lib/tasks, opt: given}, a: 1, m: {k: v}}\n" + tasks)


def test_methods_of_every_kind_and_what_they_leave(project: Project) -> None:
    ruby(
        project,
        "+p:\n  rb>: plain\n  b: 4\n+n:\n  rb>: none\n+r:\n  rb>: Deep::Job.run\n"
        "+s:\n  rb>: ::Deep::Job.single\n"
        "+i:\n  rb>:\n  script: |\n    require 'json'\n    given = JSON.parse(File.read(ARGV[0]))['params']\n"
        "    File.write(ARGV[1], {store_params: {more: given['a']}}.to_json)\n"
        "+e:\n  echo>: ${stored} ${more}\n",
    )
    ended = project.run("-q", "--session", "2024-03-10")
    assert ended.code == 0, ended.err
    assert ended.lines == [
        "plain 1 4 3 2024-03-10 v true",
        'none {"x"=>1}',
        "run 1 5",
        'none {"x"=>1}',
        "again 7",
        "echoed 1",
        "single given",
        '{"x":1} 1',
    ]


def test_failures_tell_message_class_and_place(project: Project) -> None:
    ruby(
        project,
        "+f:\n  _parallel: true\n  +a:\n    rb>: Deep::Job.fail\n    _error:\n"
        "      echo>: ${error.message.split('\\n')[0]}\n"
        "  +b:\n    rb>: Deep::Job.needs\n  +c:\n    rb>: Nowhere.x\n  +d:\n    rb>: exit!\n",
    )
    ended = project.run("--json")
    told = {event["task"][-2:]: event["problem"] for event in ended.events if event["event"] == "task_failed"}
    assert told["+a"].startswith("no way (BadRequest)  at lib/tasks.rb:26")
    assert "Method 'Deep::Job.needs' requires parameter 'nope' but not set (ArgumentError)" in told["+b"]
    assert "uninitialized constant" in told["+c"]
    assert told["+d"] == "Ruby command failed with code 1"
    [message] = [
        event["text"] for event in ended.events if event["event"] == "output" and "Ruby" in event["text"]
    ]
    assert message == "Ruby command failed with code 1: no way (BadRequest)"


def test_a_changed_ruby_file_or_parameter_runs_the_task_again(project: Project) -> None:
    ruby(project, "+s:\n  rb>: Deep::Job.single\n")
    assert project.run("-q").lines == ["single given"]
    assert project.run("-q").lines == []
    project.write("helper.rb", "module Helper; NAME = 'i'; end\n")
    assert project.run("-q").lines == ["single given"]
    project.write("main.dig", (project.root / "main.dig").read_text().replace("opt: given", "opt: other"))
    assert project.run("-q").lines == ["single other"]
