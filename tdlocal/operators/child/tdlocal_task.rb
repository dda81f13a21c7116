# Runs one rb> task: `ruby tdlocal_task.rb METHOD input.json output.json`.
require 'json'

module Digdag
  class Env
    attr_reader :params, :store_params, :export_params, :subtask_config
    def initialize(params)
      @params, @store_params, @export_params, @subtask_config = params, {}, {}, {}
    end

    def store(values)
      @store_params.merge!(values)
    end

    def export(values)
      @export_params.merge!(values)
    end

    def add_subtask(config)
      @subtask_config["+subtask#{@subtask_config.size}"] = config
    end
  end

  def self.env
    $digdag_env
  end
end

command, input, output = ARGV
$digdag_env = Digdag::Env.new(JSON.parse(File.read(input))['params'])
params = $digdag_env.params
words = command.split('::')
last = words.pop
last, method = last.split('.') if last.include?('.')
method ||= nil

arguments = lambda do |callable|
  positional, named = [], {}
  callable.parameters.each do |kind, name|
    key = name.to_s
    case kind
    when :req then params.key?(key) ? positional << params[key] : raise(ArgumentError, "Method requires parameter '#{key}' but not set")
    when :opt then positional << params[key] if params.key?(key)
    when :keyreq then params.key?(key) ? named[name] = params[key] : raise(ArgumentError, "Method requires parameter '#{key}' but not set")
    when :key then named[name] = params[key] if params.key?(key)
    when :keyrest then params.each { |k, v| named[k.to_sym] = v }
    end
  end
  [positional, named]
end

if last =~ /\A[A-Z]/
  owner = (words + [last]).inject(Object) { |scope, word| scope.const_get(word) }
  positional, named = arguments.call(owner.instance_method(:initialize))
  object = owner.new(*positional, **named)
  target = object.method(method || :run)
else
  owner = words.inject(Object) { |scope, word| scope.const_get(word) }
  target = words.empty? ? method(last) : owner.method(last)
end
positional, named = arguments.call(target)
target.call(*positional, **named)
env = $digdag_env
File.write(output, JSON.generate('store_params' => env.store_params, 'export_params' => env.export_params, 'subtask_config' => env.subtask_config))
