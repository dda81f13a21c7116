# Runs one rb> task: `ruby tdlocal_task.rb METHOD input.json output.json`.
# METHOD is `name`, `Module.name` or `Some::Class.name`; a public instance method gets an instance made first.
require 'json'

module Digdag
  class Env
    attr_reader :params, :store_params, :export_params, :state_params, :subtask_config

    def initialize(params)
      @params = params
      @store_params, @export_params, @state_params, @subtask_config = {}, {}, {}, {}
    end

    def store(values = {}, **more)
      @store_params.merge!(values, more)
    end

    def export(values = {}, **more)
      @export_params.merge!(values, more)
    end

    def set_state(values = {}, **more)
      @state_params.merge!(values, more)
    end

    # add_subtask(config), add_subtask(:method, params), add_subtask(Class, :method, params)
    def add_subtask(*words)
      params = words.last.is_a?(Hash) ? words.pop : {}
      config = params.dup
      config['rb>'] = target(words) unless words.empty?
      begin
        JSON.generate(config)
      rescue StandardError => e
        raise ArgumentError, "Parameters must be serializable using JSON: #{e}"
      end
      @subtask_config["+subtask#{@subtask_config.size}"] = config
      nil
    end

    private

    def target(words)
      owner, name = words.length > 1 ? words : [nil, words[0]]
      unless name.respond_to?(:to_sym) && words.length < 3
        raise ArgumentError, "Second argument must be a Symbol but got #{name.inspect}"
      end
      raise ArgumentError, "Method name can't include '.'" if name.to_s.include?('.')
      return name.to_s if owner.nil?

      owner = Kernel.const_get(owner.to_s) unless owner.is_a?(Module)
      unless owner.respond_to?(name) || owner.public_instance_methods.include?(name.to_sym)
        raise ArgumentError, "Class #{owner} does not have method #{name.inspect}"
      end
      "::#{owner}.#{name}"
    end
  end

  def self.env
    TDLOCAL_ENV
  end
end

command, input, output = ARGV
Digdag::TDLOCAL_ENV = Digdag::Env.new(JSON.parse(File.read(input))['params'])
$LOAD_PATH << File.expand_path(Dir.pwd)

def tdlocal_symbols(value)
  value.is_a?(Hash) ? value.to_h { |key, item| [key.to_s.to_sym, tdlocal_symbols(item)] } : value
end

def tdlocal_arguments(parameters, title)
  given = Digdag.env.params
  positional, named = [], {}
  parameters.each do |kind, name|
    key = name.to_s
    if %i[req keyreq].include?(kind) && !given.key?(key)
      raise ArgumentError, "Method '#{title}' requires parameter '#{key}' but not set"
    end

    case kind
    when :req, :opt then positional << given[key] if given.key?(key)
    when :keyreq, :key then named[name] = given[key] if given.key?(key)
    when :keyrest then named.merge!(tdlocal_symbols(given))
    end
  end
  [positional, named]
end

def tdlocal_call(callable, parameters, title)
  positional, named = tdlocal_arguments(parameters, title)
  callable.call(*positional, **named)
end

def tdlocal_run(command)
  *above, name = command.split('.')
  return tdlocal_call(method(name), method(name).parameters, name) if above.empty?

  owner = Kernel.const_get(above.join('.'))
  unless owner.public_instance_methods.include?(name.to_sym)
    return tdlocal_call(owner.method(name), owner.method(name).parameters, "#{owner}.#{name}")
  end
  made = tdlocal_call(owner.method(:new), owner.instance_method(:initialize).parameters, "#{owner}.new")
  tdlocal_call(made.method(name), made.method(name).parameters, "#{owner}##{name}")
end

failed = nil
begin
  tdlocal_run(command)
rescue StandardError => e
  failed = e
end
env = Digdag.env
here = File.expand_path(Dir.pwd) + '/'
left = {
  'store_params' => env.store_params, 'export_params' => env.export_params, 'subtask_config' => env.subtask_config,
  'files' => $LOADED_FEATURES.select { |file| file.start_with?(here) }
}
if failed
  left['error'] = { 'class' => failed.class.to_s, 'message' => failed.message, 'backtrace' => failed.backtrace || [] }
end
File.write(output, JSON.generate(left))
raise failed if failed
